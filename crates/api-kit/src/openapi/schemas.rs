//! The schemas of a document. Types are described twice, as they are read and as they are written, because
//! defaults and skipped fields make the two differ; where both are used and differ, the read one is called `…_Input`.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

const PLACE: &str = "/components/schemas";
const OWN_SUFFIX: &str = "_Input";

/// Collects the types of a document.
#[derive(Debug)]
pub struct Schemas {
    input: SchemaGenerator,
    output: SchemaGenerator,
    more: BTreeMap<String, Value>,
}

impl Default for Schemas {
    fn default() -> Self {
        Self::new()
    }
}

/// References to types that are read carry this mark until it is known which of them get a name of their own.
const READ_MARK: &str = "/components/schemas-read";

impl Schemas {
    pub fn new() -> Self {
        let settings = |place: &'static str| {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = place.into();
                settings.meta_schema = None;
            })
        };
        Self {
            input: settings(READ_MARK).for_deserialize().into_generator(),
            output: settings(PLACE).for_serialize().into_generator(),
            more: BTreeMap::new(),
        }
    }

    /// A type that is read, written out in place.
    pub fn input<T: JsonSchema>(&mut self) -> Value {
        T::json_schema(&mut self.input).into()
    }

    /// A reference to a type that is read.
    pub fn input_ref<T: JsonSchema>(&mut self) -> Value {
        self.input.subschema_for::<T>().into()
    }

    /// A reference to a type that is written.
    pub fn output_ref<T: JsonSchema>(&mut self) -> Value {
        self.output.subschema_for::<T>().into()
    }

    /// Adds a schema that is no Rust type.
    pub(crate) fn define(&mut self, name: &str, schema: Value) {
        self.more.insert(name.to_owned(), schema);
    }

    /// All definitions, sorted by name, and the final spelling of references to types that are read.
    pub(crate) fn finish(mut self) -> Settled {
        let read: BTreeMap<String, Value> = self.input.take_definitions(true).into_iter().collect();
        let mut definitions: BTreeMap<String, Value> = self.output.take_definitions(true).into_iter().collect();
        definitions.append(&mut self.more);
        let own_name = differing(&read, &definitions);
        for (name, mut schema) in read {
            settle(&mut schema, &own_name);
            definitions.insert(if own_name.contains(&name) { format!("{name}{OWN_SUFFIX}") } else { name }, schema);
        }
        Settled { definitions, own_name }
    }
}

/// The definitions of a document that is complete.
pub(crate) struct Settled {
    definitions: BTreeMap<String, Value>,
    own_name: BTreeSet<String>,
}

impl Settled {
    /// Gives references in the rest of the document their final spelling.
    pub(crate) fn settle(&self, document: &mut Value) {
        settle(document, &self.own_name);
    }

    pub(crate) fn into_map(self) -> Map<String, Value> {
        self.definitions.into_iter().collect()
    }
}

/// Names of which the read and the written form differ, in themselves or in what they refer to.
fn differing(read: &BTreeMap<String, Value>, written: &BTreeMap<String, Value>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    loop {
        let before = names.len();
        for (name, schema) in read {
            let Some(other) = written.get(name) else { continue };
            let mut settled = schema.clone();
            settle(&mut settled, &names);
            if settled != *other {
                names.insert(name.clone());
            }
        }
        if names.len() == before {
            return names;
        }
    }
}

/// Turns marked references into final ones, below `value`.
fn settle(value: &mut Value, own_name: &BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, below) in object {
                match (key.as_str(), &mut *below) {
                    ("$ref", Value::String(reference)) => {
                        if let Some(name) = reference.strip_prefix('#').and_then(|r| r.strip_prefix(READ_MARK)) {
                            let name = name.trim_start_matches('/');
                            let suffix = if own_name.contains(name) { OWN_SUFFIX } else { "" };
                            *reference = format!("#{PLACE}/{name}{suffix}");
                        }
                    }
                    _ => settle(below, own_name),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| settle(item, own_name)),
        _ => {}
    }
}
