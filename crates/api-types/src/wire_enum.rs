//! Closed lists of words.

/// Declares an enum whose variants are words of the wire. An unknown word is refused with the list of known ones.
///
/// Variants carry no documentation of their own, because schemas would then show them one by one in place of a
/// plain `enum` list; the enum's own documentation explains them.
macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:tt),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub enum $name { $(#[serde(rename = $text)] $variant),+ }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// The word as the wire spells it.
            pub const fn text(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }

            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some($name::$variant),)+ _ => None }
            }
        }
    };
}

pub(crate) use wire_enum;

#[cfg(test)]
mod tests {
    wire_enum! {
        /// Two colours.
        Colour { Red = "red", DarkBlue = "dark-blue" }
    }

    #[test]
    fn words_are_spelled_as_on_the_wire_and_an_unknown_one_names_the_known() {
        for colour in Colour::ALL {
            assert_eq!(serde_json::json!(colour), serde_json::json!(colour.text()));
            assert_eq!(Colour::parse(colour.text()), Some(*colour));
        }
        let error = serde_json::from_str::<Colour>("\"green\"").unwrap_err().to_string();
        assert!(error.contains("`green`") && error.contains("`red`") && error.contains("`dark-blue`"), "{error}");
        let schema = schemars::schema_for!(Colour);
        assert_eq!(schema.get("enum"), Some(&serde_json::json!(["red", "dark-blue"])));
    }
}
