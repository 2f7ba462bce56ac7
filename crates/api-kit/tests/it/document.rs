//! The documents say what the rows and the signatures say.

use crate::demo::operations;
use farebox_api_kit::{DoorId, openapi};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn platform() -> Value {
    openapi(DoorId::Platform, &operations())
}

fn statuses(operation: &Value) -> Vec<&str> {
    operation["responses"].as_object().unwrap().keys().map(String::as_str).collect()
}

/// All `$ref`s below a value.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
            object.values().for_each(|below| references(below, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn an_operation_is_documented_from_its_row_and_signature() {
    let document = platform();
    let create = &document["paths"]["/things"]["post"];
    assert_eq!(create["operationId"], "thing_create");
    assert_eq!(create["summary"], "Create a thing");
    assert_eq!(create["tags"], json!(["Things"]));
    assert_eq!(create["security"], json!([{ "bearer_auth": [] }]));
    assert_eq!(create["x-permission"], "listings.write");
    assert_eq!(statuses(create), ["201", "400", "401", "403", "409", "413", "429", "500"]);
    let header = json!({
        "name": "Idempotency-Key", "in": "header", "required": false, "description": "Same key, same answer.",
        "schema": { "type": ["string", "null"] },
    });
    assert_eq!(create["parameters"], json!([header]));
    let body = json!({ "$ref": "#/components/schemas/ThingCreate" });
    assert_eq!(create["requestBody"]["content"]["application/json"]["schema"], body);
    assert_eq!(create["requestBody"]["required"], true);
    let reply = &create["responses"]["201"]["content"]["application/json"]["schema"];
    assert_eq!(reply, &json!({ "$ref": "#/components/schemas/DataResponse_Thing" }));
    let error = &create["responses"]["409"]["content"]["application/json"]["schema"];
    assert_eq!(error, &json!({ "$ref": "#/components/schemas/PlatformError" }));
}

#[test]
fn parameters_are_listed_one_by_one() {
    let document = platform();
    let list = &document["paths"]["/things"]["get"];
    let names: Vec<_> = list["parameters"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["search", "limit", "tags", "has_more", "verb"]);
    assert_eq!(list["parameters"][0]["description"], "Only things whose name holds this.");
    let get = &document["paths"]["/things/{organization_id}/{thing_id}"]["get"];
    let uuid = json!({ "name": "organization_id", "in": "path", "required": true,
        "schema": { "type": "string", "format": "uuid" } });
    assert_eq!(get["parameters"][0], uuid);
    assert_eq!(get["parameters"][1]["schema"], json!({ "type": "string" }));
    let number = &document["paths"]["/number/{n}"]["get"]["parameters"][0];
    assert_eq!((&number["name"], &number["schema"]["type"]), (&json!("n"), &json!("integer")));
    let second = &document["paths"]["/pair/{a}/{b}"]["get"]["parameters"][1];
    assert_eq!((&second["name"], &second["schema"]["format"]), (&json!("b"), &json!("int64")));
}

#[test]
fn errors_follow_from_what_an_operation_takes_and_asks() {
    let document = platform();
    let of = |path: &str, method: &str| statuses(&document["paths"][path][method]).join(" ");
    assert_eq!(of("/things/default/jobs", "post"), "202 401 403 429 500");
    assert_eq!(of("/me", "get"), "200 401 429 500");
    assert_eq!(of("/number/{n}", "get"), "200 400 404 429 500");
    assert_eq!(of("/login", "get"), "302 429 500");
    assert_eq!(of("/fail/{how}", "post"), "204 400 402 404 429 500 503");
    let health = openapi(DoorId::Marketplace, &operations())["paths"]["/health"]["get"].clone();
    assert_eq!(statuses(&health), ["200", "500"]);
    assert_eq!(health["security"], Value::Null);
    assert_eq!(document["paths"]["/me"]["get"]["security"], json!([{}, { "bearer_auth": [] }]));
}

#[test]
fn a_proxy_is_documented_per_method_with_its_declared_replies() {
    let document = platform();
    let item = document["paths"]["/echo/{name}/{path}"].as_object().unwrap();
    assert_eq!(item.keys().collect::<Vec<_>>(), ["get", "post", "put", "patch", "delete"]);
    assert_eq!(item["patch"]["operationId"], "echo_call_patch");
    assert_eq!(item["get"]["requestBody"], Value::Null);
    assert!(item["post"]["requestBody"]["content"]["*/*"].is_object());
    let reply = &item["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    assert_eq!(reply, &json!({ "$ref": "#/components/schemas/DataResponse_Vec_Thing" }));
    assert!(item["get"]["responses"]["202"]["content"]["text/plain"].is_object());
    assert!(item["get"]["responses"]["502"].is_object());
    let export = &document["paths"]["/things/default/export"]["get"]["responses"]["200"]["content"];
    assert_eq!(export, &json!({ "text/csv": {} }));
}

#[test]
fn every_reference_leads_to_a_schema_and_no_schema_is_left_over() {
    for door in DoorId::ALL {
        let document = openapi(*door, &operations());
        let mut used = BTreeSet::new();
        references(&document, &mut used);
        let defined = document["components"]["schemas"].as_object().unwrap();
        for reference in &used {
            let name = reference.strip_prefix("#/components/schemas/").unwrap();
            assert!(defined.contains_key(name), "{reference}");
        }
        for name in defined.keys().filter(|name| !name.ends_with("Error")) {
            assert!(used.contains(&format!("#/components/schemas/{name}")), "{name}");
        }
    }
}

#[test]
fn a_type_that_is_read_and_written_differently_has_two_schemas_and_others_have_one() {
    let schemas = platform()["components"]["schemas"].clone();
    assert_eq!(schemas["Endpoint"]["required"], json!(["path", "method"]));
    assert_eq!(schemas["Endpoint_Input"]["required"], json!(["path"]));
    assert_eq!(
        schemas["ThingCreate"]["properties"]["endpoints"]["items"]["$ref"],
        "#/components/schemas/Endpoint_Input"
    );
    assert_eq!(schemas["Thing"]["properties"]["endpoints"]["items"]["$ref"], "#/components/schemas/Endpoint");
    assert!(schemas["Verb"].is_object() && schemas["Verb_Input"].is_null());
    let page = &schemas["PaginatedResponse_Vec_Thing"];
    assert_eq!(page["properties"]["pagination"], json!({ "$ref": "#/components/schemas/PaginationMeta" }));
}

#[test]
fn each_door_names_its_scheme_and_its_error() {
    let scheme = |door| openapi(door, &operations())["components"]["securitySchemes"].clone();
    assert_eq!(scheme(DoorId::Platform)["bearer_auth"]["scheme"], "bearer");
    assert_eq!(scheme(DoorId::Marketplace)["api_key"]["bearerFormat"], "key_id:secret");
    assert_eq!(scheme(DoorId::SqlGateway)["api_key"]["name"], "X-API-Key");
    let sql = openapi(DoorId::SqlGateway, &operations());
    assert_eq!(sql["components"]["schemas"]["SqlGatewayError"]["required"], json!(["error"]));
    assert_eq!(sql["info"]["title"], DoorId::SqlGateway.title());
    assert_eq!(sql["servers"], json!([{ "url": "/" }]));
    assert_eq!(sql["tags"], json!([{ "name": "Agents" }, { "name": "Providers" }]));
}

#[test]
fn the_document_does_not_depend_on_the_order_of_the_rows() {
    let mut backwards = operations();
    backwards.reverse();
    let text = |rows: &[_]| openapi(DoorId::Platform, rows).to_string();
    assert_eq!(text(&operations()), text(&backwards));
}
