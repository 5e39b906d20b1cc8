//! Rows of a table that may have changed.

/// Rows that may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dirty {
    /// Any.
    All,
    /// Those of some row ids.
    Rows {
        /// Inclusive ranges of row ids, ascending.
        ranges: Vec<(i64, i64)>,
        /// Those, too, that are longer than a page has room for.
        overflowing: bool,
    },
}

/// Ranges after which all rows count as changed.
const RANGES_MAX: usize = 20_000;

impl Dirty {
    /// No row.
    pub const NOTHING: Self = Self::Rows { ranges: Vec::new(), overflowing: false };

    /// Rows of some ranges, in any order.
    pub fn of(ranges: Vec<(i64, i64)>, overflowing: bool) -> Self {
        let mut dirty = Self::NOTHING;
        dirty.add(&Self::Rows { ranges, overflowing });
        dirty
    }

    /// Returns `true` if no row has changed.
    pub fn is_nothing(&self) -> bool {
        *self == Self::NOTHING
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::All, _) => {}
            (_, Self::All) => *self = Self::All,
            (Self::Rows { ranges, overflowing }, Self::Rows { ranges: more, overflowing: also }) => {
                *overflowing |= also;
                ranges.extend(more);
                ranges.sort_unstable();
                ranges.dedup_by(|next, last| {
                    let is_adjacent = next.0 <= last.1.saturating_add(1);
                    if is_adjacent {
                        last.1 = last.1.max(next.1);
                    }
                    is_adjacent
                });
                if ranges.len() > RANGES_MAX || ranges[..] == [(i64::MIN, i64::MAX)] {
                    *self = Self::All;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_meet_become_one() {
        let rows = |ranges: &[(i64, i64)]| Dirty::Rows { ranges: ranges.to_vec(), overflowing: false };
        let mut dirty = rows(&[(1, 5), (20, 30)]);
        dirty.add(&rows(&[(6, 10), (25, 27), (i64::MAX, i64::MAX)]));
        assert_eq!(dirty, rows(&[(1, 10), (20, 30), (i64::MAX, i64::MAX)]));
        dirty.add(&Dirty::NOTHING);
        assert!(!dirty.is_nothing() && Dirty::NOTHING.is_nothing());
        dirty.add(&Dirty::All);
        dirty.add(&rows(&[(1, 1)]));
        assert_eq!(dirty, Dirty::All);
    }
}
