//! A field of an update that tells "leave it" from "clear it".

/// What an update does to a field that may be empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    #[default]
    Keep,
    Clear,
    Set(T),
}

impl<T> Change<T> {
    /// The same with another word for the value.
    pub fn map<U>(self, read: impl FnOnce(T) -> U) -> Change<U> {
        match self {
            Change::Keep => Change::Keep,
            Change::Clear => Change::Clear,
            Change::Set(value) => Change::Set(read(value)),
        }
    }

    /// Changes `target` as asked.
    pub(crate) fn apply(self, target: &mut Option<T>) {
        match self {
            Change::Keep => {}
            Change::Clear => *target = None,
            Change::Set(value) => *target = Some(value),
        }
    }
}

/// `None` keeps; for doors where leaving a field out and `null` mean the same.
impl<T> From<Option<T>> for Change<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Change::Keep, Change::Set)
    }
}
