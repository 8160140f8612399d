//! The models of lists, and the callback for touches, as every page uses them.

use std::rc::Rc;

use slint::{Model, ModelRc, VecModel};

use crate::nav::Intent;

/// Callback for touches; runs on the window's thread.
pub type Intents = Rc<dyn Fn(Intent)>;

/// Puts rows into the model that the page already has, touching only those that changed; a new model where it has none.
pub(super) fn rows<T: Clone + PartialEq + 'static>(
    held: &ModelRc<T>,
    rows: &[T],
    replace: impl FnOnce(ModelRc<T>),
) {
    let Some(model) = held.as_any().downcast_ref::<VecModel<T>>() else {
        replace(Rc::new(VecModel::from(rows.to_vec())).into());
        return;
    };
    while model.row_count() > rows.len() {
        model.remove(model.row_count() - 1);
    }
    for (index, row) in rows.iter().enumerate() {
        match model.row_data(index) {
            Some(shown) if shown == *row => {}
            Some(_) => model.set_row_data(index, row.clone()),
            None => model.push(row.clone()),
        }
    }
}

/// A place in a list as the program counts it; the pages only name rows that they show.
pub(super) fn place(index: i32) -> usize {
    usize::try_from(index).unwrap_or_default()
}
