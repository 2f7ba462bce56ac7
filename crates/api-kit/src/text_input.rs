//! Decoding of named texts (query, path and header values) into a type, strictly and without guessing.
//!
//! The target type alone decides how a text is read: `123` is a string where a string is wanted and a number
//! where a number is wanted. Errors name the parameter and its rule. A flattened struct hides its types from
//! the decoder, so that only texts can be read through it; use a second `Query` instead.

mod values;

use crate::path_params::{PathParams, decode};
use crate::plain_rule::plain_rule;
use farebox_base::{Error, Result};
use http::HeaderMap;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use std::borrow::Cow;
use std::fmt::Display;
use values::Values;

/// One parameter with all values that were sent for it.
pub(crate) struct Named {
    name: Cow<'static, str>,
    values: Vec<String>,
}

/// What is wrong with which parameter; the parameter is filled in on the way up.
#[derive(Debug)]
pub(crate) struct Refused {
    name: Option<String>,
    /// Completes a sentence that begins with the parameter.
    rule: String,
}

/// Reads a query string into `T`. Unknown parameters are ignored.
pub(crate) fn query<T: DeserializeOwned>(query: &str) -> Result<T> {
    let fields = query_fields(query)?;
    T::deserialize(Fields(fields)).map_err(|refused| refused.into_error("query"))
}

/// Reads the variable parts of a path into `T`: a struct by their names, a tuple by their order, or one alone.
pub(crate) fn path<T: DeserializeOwned>(params: &PathParams) -> Result<T> {
    let mut fields = Vec::with_capacity(params.0.len());
    for (name, raw) in &params.0 {
        fields.push(Named { name: Cow::Borrowed(name), values: vec![decode(name, raw)?] });
    }
    T::deserialize(PathParts(fields)).map_err(|refused| refused.into_error("path"))
}

/// Reads the headers that are named like the fields of the struct `T`.
pub(crate) fn headers<T: DeserializeOwned>(headers: &HeaderMap) -> Result<T> {
    T::deserialize(HeaderFields(headers)).map_err(|refused| refused.into_error("headers"))
}

fn query_fields(query: &str) -> Result<Vec<Named>> {
    let mut fields: Vec<Named> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode("query", &name.replace('+', " "))?;
        let value = decode(&name, &value.replace('+', " "))?;
        match fields.iter_mut().find(|known| known.name == name) {
            Some(known) => known.values.push(value),
            None => fields.push(Named { name: Cow::Owned(name), values: vec![value] }),
        }
    }
    Ok(fields)
}

impl Refused {
    fn rule(rule: impl Into<String>) -> Self {
        Self { name: None, rule: rule.into() }
    }

    fn of(name: &str, rule: &str) -> Self {
        Self { name: Some(name.to_owned()), ..Self::rule(rule) }
    }

    fn at(mut self, name: &str) -> Self {
        self.name.get_or_insert_with(|| name.to_owned());
        self
    }

    fn into_error(self, place: &str) -> Error {
        Error::invalid(self.name.unwrap_or_else(|| place.to_owned()), self.rule)
    }
}

impl Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.rule)
    }
}

impl std::error::Error for Refused {}

impl de::Error for Refused {
    fn custom<T: Display>(message: T) -> Self {
        Self::rule(plain_rule(&message.to_string()))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::of(field, "is required")
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::of(field, "must be given once")
    }

    fn unknown_field(field: &str, _expected: &'static [&'static str]) -> Self {
        Self::of(field, "is not a parameter of this operation")
    }

    fn unknown_variant(_variant: &str, expected: &'static [&'static str]) -> Self {
        Self::rule(format!("must be one of {}", expected.join(", ")))
    }

    fn invalid_type(_found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::rule(format!("must be {expected}"))
    }

    fn invalid_value(_found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::rule(format!("must be {expected}"))
    }
}

/// A struct or map whose fields are the parameters.
struct Fields(Vec<Named>);

impl<'de> de::Deserializer<'de> for Fields {
    type Error = Refused;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_map(Entries { rest: self.0.into_iter(), current: None })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Entries {
    rest: std::vec::IntoIter<Named>,
    current: Option<Named>,
}

impl<'de> MapAccess<'de> for Entries {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Refused> {
        self.current = self.rest.next();
        let Some(field) = &self.current else { return Ok(None) };
        seed.deserialize(StrDeserializer::new(&field.name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Refused> {
        let Some(Named { name, values }) = self.current.take() else {
            return Err(de::Error::custom("a value was asked for before its name"));
        };
        seed.deserialize(Values(values)).map_err(|refused| refused.at(&name))
    }
}

/// The variable parts of a path.
struct PathParts(Vec<Named>);

impl PathParts {
    fn in_order<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_seq(InOrder(self.0.into_iter()))
    }

    fn only(self) -> Result<Named, Refused> {
        let mut parts = self.0.into_iter();
        match (parts.next(), parts.next()) {
            (Some(part), None) => Ok(part),
            _ => Err(de::Error::custom("the path does not have exactly one variable part")),
        }
    }
}

macro_rules! the_only_part {
    ($($method:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
            let Named { name, values } = self.only()?;
            Values(values).$method(visitor).map_err(|refused| refused.at(&name))
        }
    )*};
}

impl<'de> de::Deserializer<'de> for PathParts {
    type Error = Refused;

    the_only_part! {
        deserialize_any, deserialize_bool, deserialize_i8, deserialize_i16, deserialize_i32, deserialize_i64,
        deserialize_u8, deserialize_u16, deserialize_u32, deserialize_u64, deserialize_f32, deserialize_f64,
        deserialize_char, deserialize_str, deserialize_string, deserialize_bytes, deserialize_byte_buf,
        deserialize_option, deserialize_identifier
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        Fields(self.0).deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        Fields(self.0).deserialize_any(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.in_order(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Refused> {
        self.in_order(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.in_order(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let Named { name: part, values } = self.only()?;
        Values(values).deserialize_enum(name, variants, visitor).map_err(|refused| refused.at(&part))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! { i128 u128 unit unit_struct ignored_any }
}

struct InOrder(std::vec::IntoIter<Named>);

impl<'de> SeqAccess<'de> for InOrder {
    type Error = Refused;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Refused> {
        let Some(Named { name, values }) = self.0.next() else { return Ok(None) };
        seed.deserialize(Values(values)).map(Some).map_err(|refused| refused.at(&name))
    }
}

/// The headers, looked up by the field names of the struct that is read.
struct HeaderFields<'a>(&'a HeaderMap);

impl<'de> de::Deserializer<'de> for HeaderFields<'_> {
    type Error = Refused;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refused> {
        Err(de::Error::custom("headers can only be read into a struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let mut fields = Vec::new();
        for name in names {
            let sent = self.0.get_all(*name).into_iter().map(|value| value.to_str().map(str::to_owned));
            let values = sent.collect::<Result<Vec<_>, _>>();
            let values = values.map_err(|_| Refused::of(name, "must be visible ASCII"))?;
            if !values.is_empty() {
                fields.push(Named { name: Cow::Borrowed(name), values });
            }
        }
        Fields(fields).deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
