//! A cut of a list, and what it was cut from.

use farebox_db::Param;

/// Which part of a list is wanted. The doors set their own bounds on `limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    pub limit: u32,
    /// How many to leave out before.
    pub offset: u64,
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paged<T> {
    pub items: Vec<T>,
    /// How many there are without the cut, at the same moment.
    pub total: u64,
}

impl Page {
    /// From the start.
    pub const fn first(limit: u32) -> Self {
        Self { limit, offset: 0 }
    }

    /// For `LIMIT`.
    pub fn limit_param(self) -> Param<'static> {
        i64::from(self.limit).into()
    }

    /// For `OFFSET`.
    pub fn offset_param(self) -> Param<'static> {
        i64::try_from(self.offset).unwrap_or(i64::MAX).into()
    }
}
