//! The envelopes in which the platform door puts its replies.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use std::borrow::Cow;

/// `{"data": …}`.
#[derive(Debug, Clone)]
pub struct Data<T>(pub T);

/// `{"data": […], "pagination": {…}}`.
#[derive(Debug, Clone, Serialize)]
pub struct DataPage<T> {
    pub data: Vec<T>,
    pub pagination: Pagination,
}

/// Where a page stands in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "PaginationMeta")]
pub struct Pagination {
    /// Items in the whole list.
    pub total: i64,
    /// Items on this page.
    pub count: i64,
    /// The most items that a page of this request holds.
    pub limit: i64,
    /// Items before this page.
    pub offset: i64,
    /// Whether items follow this page.
    pub has_more: bool,
}

impl<T> DataPage<T> {
    /// A page that begins at `offset` of `total` items.
    pub fn new(data: Vec<T>, total: i64, limit: i64, offset: i64) -> Self {
        let count = i64::try_from(data.len()).unwrap_or(i64::MAX);
        let has_more = offset.saturating_add(count) < total;
        Self { data, pagination: Pagination { total, count, limit, offset, has_more } }
    }
}

impl<T: Serialize> Serialize for Data<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut envelope = serializer.serialize_struct("Data", 1)?;
        envelope.serialize_field("data", &self.0)?;
        envelope.end()
    }
}

impl<T: JsonSchema> JsonSchema for Data<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("DataResponse_{}", wire_name(&T::schema_name())).into()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("farebox_api_kit::Data<{}>", T::schema_id()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let data = generator.subschema_for::<T>();
        let pagination = generator.subschema_for::<Option<Pagination>>();
        json_schema!({
            "type": "object",
            "required": ["data"],
            "properties": { "data": data, "pagination": pagination }
        })
    }
}

impl<T: JsonSchema> JsonSchema for DataPage<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("PaginatedResponse_Vec_{}", wire_name(&T::schema_name())).into()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("farebox_api_kit::DataPage<{}>", T::schema_id()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let data = generator.subschema_for::<Vec<T>>();
        let pagination = generator.subschema_for::<Pagination>();
        json_schema!({
            "type": "object",
            "required": ["data", "pagination"],
            "properties": { "data": data, "pagination": pagination }
        })
    }
}

/// Lists are called `Vec_X` on the wire.
fn wire_name(name: &str) -> String {
    name.replace("Array_of_", "Vec_")
}
