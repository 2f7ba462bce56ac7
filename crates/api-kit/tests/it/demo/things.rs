//! The platform door: typed input and output of every form.

use super::{App, Cx};
use farebox_api_kit::*;
use farebox_base::{Error, Micros, PaymentNeed, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// Something to sell.
#[derive(Serialize, JsonSchema)]
pub struct Thing {
    pub id: String,
    pub price_per_call: String,
    pub endpoints: Vec<Endpoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Read with a default, written always: its two schemas differ.
#[derive(Serialize, Deserialize, JsonSchema, Clone)]
pub struct Endpoint {
    pub path: String,
    #[serde(default)]
    pub method: Verb,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Default, Debug)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    #[default]
    Get,
    Post,
}

#[derive(Deserialize, JsonSchema)]
pub struct ThingCreate {
    pub id: String,
    /// Decimal text.
    pub price_per_call: String,
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
    pub copies: Option<u8>,
}

#[derive(Deserialize, JsonSchema)]
pub struct ThingPath {
    pub organization_id: Uuid,
    pub thing_id: String,
}

#[derive(Deserialize, JsonSchema)]
pub struct ThingFilter {
    /// Only things whose name holds this.
    pub search: Option<String>,
    pub limit: Option<u16>,
    #[serde(default)]
    pub tags: Vec<String>,
    pub has_more: Option<bool>,
    pub verb: Option<Verb>,
}

#[derive(Deserialize, JsonSchema)]
pub struct Idempotency {
    /// Same key, same answer.
    #[serde(rename = "Idempotency-Key")]
    pub key: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
pub struct Note {
    pub text: String,
}

operations! {
    core App, door Platform, tag "Things";
    GET    "/things" thing_list(Needs(ListingsRead)) "List things";
    POST   "/things" thing_create(Needs(ListingsWrite)) errors(409) limit(4096) "Create a thing";
    GET    "/things/{organization_id}/{thing_id}" thing_get(Needs(ListingsRead)) "Fetch a thing";
    DELETE "/things/{organization_id}/{thing_id}" thing_delete(Needs(ListingsWrite)) "Remove a thing";
    PATCH  "/things/{organization_id}/{thing_id}" thing_note(Needs(ListingsWrite)) stranger(NotFound) "Add a note, or clear it";
    GET    "/things/default/export" thing_export(Needs(ListingsRead)) replies(200 as "text/csv") "Export things";
    POST   "/things/default/jobs" thing_job(Needs(ListingsWrite)) "Start a job";
    PUT    "/things/{organization_id}/{thing_id}/logo" thing_logo(Needs(ListingsWrite)) limit(16) "Set the logo";
    GET    "/me" me(Optional) tag("Account") "Say who is calling";
    GET    "/number/{n}" number(Public) "Read a number";
    GET    "/pair/{a}/{b}" pair(Public) "Read two parts in order";
    GET    "/login" login(Public) replies(302) rate(Auth) "Go to the sign-in page";
    POST   "/fail/{how}" fail(Public) errors(402, 503) "Fail in a chosen way";
    ANY    "/echo/{name}/{*path}" echo(Needs(CallsMake)) as "echo_call" errors(502)
           replies(200: Data<Vec<Thing>>, 202 as "text/plain") rate(Call) limit(32) "Send everything back";
    POST   "/echo/{name}/estimate" estimate(Public) "Estimate a call";
}

async fn thing_list(cx: Cx, filter: Query<ThingFilter>) -> Result<Ok200<DataPage<Thing>>> {
    cx.core.serve();
    let Query(filter) = filter;
    let note =
        format!("{:?} {:?} {:?} {:?} {:?}", filter.search, filter.limit, filter.tags, filter.has_more, filter.verb);
    let thing = Thing { id: "a".into(), price_per_call: "0.05".into(), endpoints: vec![], note: Some(note) };
    Ok(Ok200(DataPage::new(vec![thing], 3, 1, 0)))
}

async fn thing_create(
    cx: Cx,
    key: Header<Idempotency>,
    body: Json<ThingCreate>,
) -> Result<Headed<Created<Data<Thing>>>> {
    cx.core.serve();
    let Json(new) = body;
    if new.id == "taken" {
        return Err(Error::conflict("id_taken", "id is taken"));
    }
    let note = new.copies.map(|copies| copies.to_string());
    let thing = Thing { id: new.id, price_per_call: new.price_per_call, endpoints: new.endpoints, note };
    let name = http::HeaderName::from_static("x-key");
    Headed::new(Created(Data(thing))).with(name, &key.0.key.unwrap_or_default())
}

async fn thing_get(cx: Cx, path: Path<ThingPath>) -> Result<Ok200<Data<Thing>>> {
    cx.core.serve();
    let Path(ThingPath { organization_id, thing_id }) = path;
    let note = Some(organization_id.to_string());
    Ok(Ok200(Data(Thing { id: thing_id, price_per_call: "0".into(), endpoints: vec![], note })))
}

async fn thing_delete(cx: Cx, _path: Path<ThingPath>) -> Result<NoContent> {
    cx.core.serve();
    Ok(NoContent)
}

async fn thing_note(cx: Cx, path: Path<ThingPath>, body: OptionalJson<Note>) -> Result<Ok200<Value>> {
    cx.core.serve();
    Ok(Ok200(json!({ "thing": path.0.thing_id, "note": body.0.map(|note| note.text) })))
}

async fn thing_export(cx: Cx) -> Result<Reply> {
    cx.core.serve();
    Ok(Reply::bytes("text/csv", "id\na\n"))
}

async fn thing_job(cx: Cx) -> Result<Accepted<Value>> {
    cx.core.serve();
    Ok(Accepted(json!({ "by": cx.caller()?.name, "operation": cx.operation })))
}

async fn thing_logo(cx: Cx, _path: Path<ThingPath>, body: Binary) -> Result<Ok200<usize>> {
    cx.core.serve();
    Ok(Ok200(body.0.len()))
}

async fn me(cx: Cx, headers: Headers) -> Result<Ok200<Value>> {
    let name = cx.caller.as_ref().map(|caller| caller.name.clone());
    let agent = headers.0.get("user-agent").and_then(|value| value.to_str().ok());
    Ok(Ok200(json!({ "name": name, "agent": agent, "peer": cx.peer.to_string(), "request": cx.request_id.text() })))
}

async fn number(_cx: Cx, path: Path<u8>) -> Result<Ok200<u8>> {
    Ok(Ok200(path.0))
}

async fn pair(_cx: Cx, path: Path<(String, i64)>) -> Result<Ok200<Value>> {
    Ok(Ok200(json!([path.0.0, path.0.1])))
}

async fn login(_cx: Cx) -> Result<Reply> {
    Reply::redirect("https://id.example/sign-in?state=1")
}

async fn estimate(_cx: Cx) -> Result<Ok200<String>> {
    Ok(Ok200("estimate".into()))
}

async fn fail(_cx: Cx, how: Path<String>) -> Result<NoContent> {
    match how.0.as_str() {
        "panic" => panic!("the wheel came off"),
        "internal" => Err(Error::internal("password of the database is hunter2")),
        "unavailable" => Err(Error::unavailable("The database is away").with_internal("connection refused")),
        "poor" => {
            Err(Error::insufficient_balance(PaymentNeed { required: Micros::new(50_000), available: Micros::new(1) }))
        }
        "field" => Err(Error::invalid("endpoints.0.path", "must begin with a slash")),
        _ => Err(Error::not_found("Thing")),
    }
}

async fn echo(cx: Cx, raw: Raw) -> Result<Reply> {
    cx.core.serve();
    let Raw { parts, params, body } = raw;
    if parts.method == http::Method::PUT {
        return Ok(Reply(http::Response::new(body)));
    }
    let bytes = read_to_limit(body, 1024).await?;
    let value = json!({
        "method": parts.method.as_str(), "name": params.raw("name"), "tail": params.raw("path"),
        "query": parts.uri.query(), "body": String::from_utf8_lossy(&bytes),
    });
    Reply::json(http::StatusCode::OK, &value)
}
