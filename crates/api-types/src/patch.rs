//! A field of an update that tells "left out" from `null`.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;

/// One field of a PUT or PATCH body. The field (or its struct) needs `#[serde(default)]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// The body does not name the field: leave it as it is.
    #[default]
    Absent,
    /// The body says `null`: clear it.
    Null,
    /// The body brings a new value.
    Value(T),
}

impl<T> Patch<T> {
    pub const fn is_absent(&self) -> bool {
        matches!(self, Patch::Absent)
    }

    /// The new value, for fields where `null` means the same as leaving the field out.
    pub fn value(self) -> Option<T> {
        match self {
            Patch::Value(value) => Some(value),
            Patch::Absent | Patch::Null => None,
        }
    }

    /// Changes a nullable target the way the body asks.
    pub fn apply_to(self, target: &mut Option<T>) {
        match self {
            Patch::Absent => {}
            Patch::Null => *target = None,
            Patch::Value(value) => *target = Some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|value| value.map_or(Patch::Null, Patch::Value))
    }
}

impl<T: JsonSchema> JsonSchema for Patch<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Option::<T>::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        Option::<T>::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Update {
        #[serde(default)]
        name: Patch<String>,
    }

    fn read(json: &str) -> Patch<String> {
        serde_json::from_str::<Update>(json).unwrap().name
    }

    #[test]
    fn absent_null_and_value_are_three_things() {
        assert_eq!(read("{}"), Patch::Absent);
        assert_eq!(read(r#"{"name": null}"#), Patch::Null);
        assert_eq!(read(r#"{"name": "x"}"#), Patch::Value("x".into()));
        assert!(serde_json::from_str::<Update>(r#"{"name": 5}"#).is_err());
    }

    #[test]
    fn a_target_follows_the_body() {
        let after = |patch: Patch<i32>| {
            let mut target = Some(1);
            patch.apply_to(&mut target);
            target
        };
        assert_eq!([after(Patch::Absent), after(Patch::Null), after(Patch::Value(2))], [Some(1), None, Some(2)]);
        assert_eq!(Patch::Value(3).value(), Some(3));
        assert_eq!(Patch::<i32>::Null.value(), None);
    }
}
