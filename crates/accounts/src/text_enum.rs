//! Closed lists that are stored as words.

use farebox_base::{Error, Result};
use farebox_db::Row;

/// Declares an enum with `text` and its reverse, `parse`.
macro_rules! text_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant),* }

        impl $name {
            pub const fn text(self) -> &'static str {
                match self { $($name::$variant => $text),* }
            }

            /// `None` for a word that is not in the list.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some($name::$variant),)* _ => None }
            }
        }
    };
}

pub(crate) use text_enum;

/// Reads a column of words; one that the list does not have is our fault, not the caller's.
pub(crate) fn read_word<T>(row: &Row, index: usize, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
    let text: String = row.get(index)?;
    parse(&text).ok_or_else(|| Error::internal(format!("column {index} holds the unknown word {text:?}")))
}
