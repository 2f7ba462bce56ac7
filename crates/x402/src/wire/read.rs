//! Reading objects field by field, with refusals that name the field.

use alloy_primitives::{Address, B256, U256};
use serde_json::Value;

use super::Object;
use super::uint::Uint;
use crate::evm::{Signature, address};
use crate::{Reason, Refusal};

const MESSAGE_CHARS_MAX: usize = 200;

/// An object and where it stands, for messages.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    object: &'a Object,
    path: &'static str,
}

impl<'a> Fields<'a> {
    pub(crate) const fn new(object: &'a Object, path: &'static str) -> Self {
        Self { object, path }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.object.get(name).is_some_and(|value| !value.is_null())
    }

    /// The object under `name`, which will be called `path` in messages.
    pub(crate) fn object(&self, name: &str, path: &'static str) -> Result<Self, Refusal> {
        let object = self.object.get(name).and_then(Value::as_object);
        object.map(|object| Self { object, path }).ok_or_else(|| self.refuse(name, "must be an object"))
    }

    pub(crate) fn text(&self, name: &str) -> Result<&'a str, Refusal> {
        self.object.get(name).and_then(Value::as_str).ok_or_else(|| self.refuse(name, "must be a string"))
    }

    pub(crate) fn address(&self, name: &str) -> Result<Address, Refusal> {
        let parsed = self.object.get(name).and_then(Value::as_str).and_then(address::parse);
        parsed.ok_or_else(|| self.refuse(name, "must be an address: 40 hex digits after 0x"))
    }

    pub(crate) fn word(&self, name: &str) -> Result<B256, Refusal> {
        let parsed = self.object.get(name).and_then(Value::as_str).and_then(address::parse_word);
        parsed.ok_or_else(|| self.refuse(name, "must be 32 bytes: 64 hex digits after 0x"))
    }

    pub(crate) fn uint(&self, name: &str) -> Result<U256, Refusal> {
        let parsed = match self.object.get(name) {
            Some(Value::String(text)) => Uint::parse(text).map(|uint| uint.0),
            Some(Value::Number(number)) => number.as_u64().map(U256::from),
            _ => None,
        };
        parsed.ok_or_else(|| self.refuse(name, "must be a whole number as a decimal string"))
    }

    /// A signature; what is none is refused with the scheme's `reason`.
    pub(crate) fn signature(&self, name: &str, reason: Reason) -> Result<Signature, Refusal> {
        let text = self.text(name)?;
        Signature::parse(text).map_err(|error| Refusal::new(reason, format!("{}.{name} {error}", self.path)))
    }

    /// The objects of the array under `name`, at most `max` of them, which will be called `path` in messages.
    pub(crate) fn objects(&self, name: &str, path: &'static str, max: usize) -> Result<Vec<Self>, Refusal> {
        let list = self.object.get(name).and_then(Value::as_array).filter(|list| list.len() <= max);
        let list = list.ok_or_else(|| self.refuse(name, &format!("must be an array of at most {max}")))?;
        let objects = list.iter().map(|item| item.as_object().map(|object| Self { object, path }));
        objects.collect::<Option<_>>().ok_or_else(|| self.refuse(name, "must be an array of objects"))
    }

    /// A number of at most 128 bits.
    pub(crate) fn amount(&self, name: &str) -> Result<u128, Refusal> {
        u128::try_from(self.uint(name)?).map_err(|_| self.refuse(name, "must have at most 128 bits"))
    }

    fn refuse(&self, name: &str, rule: &str) -> Refusal {
        Refusal::new(Reason::InvalidPayload, format!("{}.{name} {rule}", self.path))
    }
}

/// A refusal over what serde could not read. Its text may quote the input, so that it is cut.
pub(crate) fn unreadable(what: &str, error: &serde_json::Error) -> Refusal {
    let text: String = error.to_string().chars().take(MESSAGE_CHARS_MAX).collect();
    Refusal::new(Reason::InvalidPayload, format!("{what}: {text}"))
}
