//! Requests that try each row of a table, for tests which must leave no operation out.

use crate::DoorId;
use crate::core::Core;
use crate::openapi::Schemas;
use crate::operation::{Operation, Stranger};
use farebox_base::Access;
use http::Method;
use serde_json::Value;

/// One method of one row with a path that reaches it.
#[derive(Debug, Clone)]
pub struct Probe {
    pub id: &'static str,
    pub door: DoorId,
    pub access: Access,
    pub stranger: Stranger,
    /// As its row has it, with names in braces.
    pub template: &'static str,
    pub method: Method,
    /// The template with a plausible value in each variable part; names nothing that exists.
    pub path: String,
}

/// One probe for each documented method of each row.
pub fn probes<C: Core>(operations: &[Operation<C>]) -> Vec<Probe> {
    let mut probes = Vec::new();
    for op in operations {
        let path = example_path(op);
        for method in op.methods.documented() {
            let method = method.clone();
            probes.push(Probe {
                id: op.id,
                door: op.door,
                access: op.access,
                stranger: op.stranger,
                template: op.path,
                method,
                path: path.clone(),
            });
        }
    }
    probes
}

fn example_path<C: Core>(op: &Operation<C>) -> String {
    let shape = (op.shape)(&mut Schemas::new());
    let mut path = op.path.to_owned();
    for (index, name) in op.param_names().enumerate() {
        let value = example(&shape.path_schema(name, index));
        path = path.replace(&format!("{{*{name}}}"), &value).replace(&format!("{{{name}}}"), &value);
    }
    path
}

/// A UUID is also a fine text, so it is the value wherever the schema does not ask for another.
fn example(schema: &Value) -> String {
    let first_choice = schema.get("enum").and_then(|choices| choices.get(0)).and_then(Value::as_str);
    match (first_choice, schema.get("type").and_then(Value::as_str)) {
        (Some(choice), _) => choice.to_owned(),
        (None, Some("integer" | "number")) => "1".to_owned(),
        (None, Some("boolean")) => "true".to_owned(),
        _ => "00000000-0000-7000-8000-000000000000".to_owned(),
    }
}
