//! Lists are turned by whole pages, so that nothing is ever half shown.

/// Rows on one page of the activity list when the car is parked.
pub const ACTIVITY_ROWS: usize = 5;

/// Rows of the activity list while driving: the newest ones, and no others.
pub const ACTIVITY_ROWS_MOVING: usize = 6;

/// Rows on one page of the benefits list: each has room for a title of two lines.
pub const BENEFIT_ROWS: usize = 4;

/// One page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paged<'a, T> {
    /// Its rows.
    pub rows: &'a [T],
    /// Number of the page, from 1.
    pub page: usize,
    /// Pages in all, at least 1.
    pub pages: usize,
}

/// The wished page of a list, or the last one there is.
#[must_use]
pub fn page<T>(list: &[T], wished: usize, size: usize) -> Paged<'_, T> {
    let size = size.max(1);
    let pages = list.len().div_ceil(size).max(1);
    let page = wished.clamp(1, pages);
    let start = (page - 1) * size;
    Paged {
        rows: &list[start..list.len().min(start + size)],
        page,
        pages,
    }
}

/// A count as the pages take it.
#[must_use]
pub fn shown(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_past_the_end_is_the_last_one() {
        let list = [1, 2, 3, 4, 5];
        assert_eq!(page(&list, 9, 2).rows, [5]);
        assert_eq!(page(&list, 0, 2).rows, [1, 2]);
        assert_eq!(page(&list, 2, 2).pages, 3);
        assert_eq!(
            page::<i32>(&[], 1, 2),
            Paged {
                rows: &[],
                page: 1,
                pages: 1
            }
        );
    }
}
