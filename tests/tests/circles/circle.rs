//! Finds circles in a graph of needs, by file and by folder.

use std::collections::{BTreeMap, BTreeSet};

/// Needs of modules, by the path of each module in its crate.
pub type Needs = BTreeMap<String, BTreeSet<String>>;

/// Returns the circles between files: each set of modules that reach one another.
pub fn by_file(needs: &Needs) -> Vec<Vec<String>> {
    circles(needs)
}

/// Returns the circles between the children of each module, in which at least one child is a folder of several files.
///
/// A child stands for all files below it. The module's own file is left out: its circle with a child is one by file.
pub fn by_folder(needs: &Needs) -> Vec<Vec<String>> {
    let names: BTreeSet<&str> = needs
        .iter()
        .flat_map(|(from, to)| to.iter().chain([from]))
        .map(String::as_str)
        .collect();
    let parents: BTreeSet<&str> = names.iter().map(|name| parent_of(name)).collect();
    let mut found = Vec::new();
    for parent in parents {
        let mut between = Needs::new();
        for (from, needed) in needs {
            for to in needed {
                if let (Some(from), Some(to)) = (child_of(parent, from), child_of(parent, to))
                    && from != to
                {
                    let needed = between.entry(from.to_owned()).or_default();
                    needed.insert(to.to_owned());
                }
            }
        }
        let is_folder = |child: &String| names.iter().any(|name| parent_of(name) == child);
        let with_folder = circles(&between)
            .into_iter()
            .filter(|circle| circle.iter().any(is_folder));
        found.extend(with_folder);
    }
    found
}

fn parent_of(name: &str) -> &str {
    name.rsplit_once("::").map_or("", |(parent, _)| parent)
}

/// Returns the child of `parent` that is `name` or holds it.
fn child_of<'name>(parent: &str, name: &'name str) -> Option<&'name str> {
    let from = match parent {
        "" => 0,
        parent => {
            let below = name.strip_prefix(parent)?.strip_prefix("::")?;
            name.len() - below.len()
        }
    };
    let below = &name[from..];
    let length = below.find("::").unwrap_or(below.len());
    (length > 0).then(|| &name[..from + length])
}

/// Returns the sets of two or more that reach one another.
fn circles(needs: &Needs) -> Vec<Vec<String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> = needs
        .keys()
        .map(|from| (from, reached_from(needs, from)))
        .collect();
    let mut placed = BTreeSet::new();
    let mut found = Vec::new();
    for (from, theirs) in &reached {
        if placed.contains(from) || !theirs.contains(from) {
            continue;
        }
        let back = |to: &&String| reached.get(to).is_some_and(|back| back.contains(from));
        let circle: Vec<&String> = theirs.iter().copied().filter(back).collect();
        placed.extend(circle.iter().copied());
        found.push(circle.into_iter().cloned().collect());
    }
    found
}

fn reached_from<'needs>(needs: &'needs Needs, from: &str) -> BTreeSet<&'needs String> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&String> = needs.get(from).into_iter().flatten().collect();
    while let Some(name) = open.pop() {
        if reached.insert(name) {
            open.extend(needs.get(name).into_iter().flatten());
        }
    }
    reached
}
