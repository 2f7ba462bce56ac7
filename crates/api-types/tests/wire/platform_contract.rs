//! Compares every struct and enum of the platform door with the door's contract: fields, types, formats,
//! nullability, required fields, words of enums, names of schemas.

use farebox_api_types::platform::*;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Requests must ask for exactly what the contract asks for; replies may promise more.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    In,
    Out,
    Both,
}

struct Compared {
    name: &'static str,
    way: Way,
    ours: Value,
}

fn schema_of<T: JsonSchema>(way: Way) -> Value {
    let settings = SchemaSettings::draft2020_12();
    let settings = if way == Way::Out { settings.for_serialize() } else { settings.for_deserialize() };
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

macro_rules! compared {
    ($($way:ident: $($name:ident)+;)+) => {
        vec![$($(Compared { name: stringify!($name), way: Way::$way, ours: schema_of::<$name>(Way::$way) }),+),+]
    };
}

fn everything() -> Vec<Compared> {
    compared! {
        In: AgentRegisterRequest AgentUpdateRequest SignupRequest LoginRequest RefreshTokenRequest VerifyEmailRequest
            ResendVerificationRequest ForgotPasswordRequest ResetPasswordRequest UpdatePasswordRequest
            CreateApiKeyRequest CreatePublisherRequest UpdatePublisherRequest
            CreateOrganizationInviteRequest AcceptOrganizationInviteRequest UpdateApiKeyScopesRequest CreateRoleRequest
            UpdateRoleRequest AssignRoleRequest
            CreateOAuthProviderRequest UpdateOAuthProviderRequest UpdatePricingRequest EstimateRequestBody DatabaseQueryRequest PublisherRootRequest
            CreateOrganizationVpcEndpointRequest LogoUploadRequest
            CreateOrganizationCustomSkillRequest CreateOrganizationCustomSkillRevisionRequest
            UpdateOrganizationCustomSkillRequest OrganizationCustomSkillFileInput;
        Out: Organization Slug OrganizationMemberWithUser OrganizationInvite AcceptOrganizationInviteResult Permission
            RbacRole AgentRegisterResponse AgentInfo SetupInstructions PublisherTypeInstructions SkillFiles UserMe UserInfo
            SignupResult LoginResult TokenRefresh LogoutResult PasswordReset PasswordResetSent PasswordUpdated
            VerificationSent AccountSecurity Session SessionsRevoked AuthProvider
            Email UserStatus ApiKeyInfo ApiKeyCreated PublisherResponse AssetInfo McpDiscoveryStatus
            PricingConfigResponse EstimateResponse WalletBalanceResponse WalletSourceBalance
            ReceivedTransferNotificationSummary WalletBalanceKind AgentCreditSource BonusClaimResponse
            WalletTransactionHistoryResponse WalletTransactionResponse WalletTransactionDirection AuditLog AuditLogList
            OAuthProviderResponse PublisherOAuthProviderResponse ProvidersResponse UserOAuthConnectionResponse
            ConnectionsResponse SetDefaultConnectionResponse RevokeResponse MultipleOAuthConnectionsAmbiguousResponse
            OrganizationVpcEndpoint DatabaseWithContext LogoUploadResponse
            OrganizationCustomSkill OrganizationCustomSkillRevision OrganizationCustomSkillRevisionSummary
            OrganizationCustomSkillFileMetadata OrganizationCustomSkillFileContent
            OrganizationCustomSkillRevisionStatus;
        Both: TokenEndpointAuthMethod ApiKeyType EndpointDefinition EndpointAccess HttpMethod QueryParamDefinition ParamType UsageExample
            GeoRoutingConfig GeoRoutingMode PricingModel PublisherCategory PublisherType ComputeType DatabaseType
            IntegrationType UndocumentedEndpointPolicy WalletAddress OrganizationCustomSkillStatus;
    }
}

/// The contract beside the workspace, where it is there.
fn contract() -> Option<Value> {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("../shared/contract/platform.openapi.json")).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// The contract's schema of a name, also where it stands only inside a wrapper of replies.
fn find<'a>(contract: &'a Value, name: &str) -> Option<&'a Value> {
    let schemas = &contract["components"]["schemas"];
    let data = |wrapper: String| schemas.get(wrapper).map(|schema| &schema["properties"]["data"]);
    schemas
        .get(name)
        .or_else(|| data(format!("DataResponse_{name}")))
        .or_else(|| data(format!("DataResponse_Vec_{name}")).map(|list| &list["items"]))
}

fn last_segment(reference: &Value) -> String {
    reference.as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

/// One spelling for one meaning: `string/uuid?`, `[ref EndpointDefinition]?`, `any`.
fn meaning(schema: &Value) -> String {
    if let Some(reference) = schema.get("$ref") {
        return format!("ref {}", last_segment(reference));
    }
    if let Some(words) = schema.get("enum") {
        return words.to_string();
    }
    if let Some(choices) = ["oneOf", "anyOf"].iter().find_map(|key| schema.get(key)) {
        let parts: BTreeSet<_> = choices.as_array().unwrap().iter().map(meaning).collect();
        let nullable = if parts.contains("null") { "?" } else { "" };
        let rest: Vec<_> = parts.into_iter().filter(|part| part != "null").collect();
        return format!("{}{nullable}", rest.join("|"));
    }
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => return "any".into(),
    };
    let nullable = if types.len() > 1 && types.contains(&"null") { "?" } else { "" };
    let base = types.iter().find(|name| **name != "null" || types.len() == 1).unwrap();
    let format = schema.get("format").and_then(Value::as_str).map(|name| format!("/{name}")).unwrap_or_default();
    if *base == "array" {
        return format!("[{}]{nullable}", meaning(&schema["items"]));
    }
    format!("{base}{format}{nullable}")
}

/// Properties and required names, with `allOf` and references inside it laid flat.
fn flat(document: &Value, schema: &Value) -> (BTreeMap<String, String>, BTreeSet<String>) {
    let (mut fields, mut required) = (BTreeMap::new(), BTreeSet::new());
    for part in schema["allOf"].as_array().into_iter().flatten() {
        let part = part.get("$ref").map_or(part, |name| &document["components"]["schemas"][last_segment(name)]);
        let (more_fields, more_required) = flat(document, part);
        fields.extend(more_fields);
        required.extend(more_required);
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        fields.insert(name.clone(), meaning(field));
    }
    required.extend(schema["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap().to_owned()));
    (fields, required)
}

/// What is wrong with one schema of ours.
fn differences(contract: &Value, compared: &Compared) -> Vec<String> {
    let Some(theirs) = find(contract, compared.name) else { return vec![format!("{}: unknown", compared.name)] };
    let (their_fields, their_required) = flat(contract, theirs);
    let (our_fields, our_required) = flat(&Value::Null, &compared.ours);
    let mut wrong = Vec::new();
    let mut note = |text: String| wrong.push(format!("{}: {text}", compared.name));
    if their_fields.is_empty() && meaning(theirs) != meaning(&compared.ours) {
        note(format!("is {}, contract says {}", meaning(&compared.ours), meaning(theirs)));
    }
    for name in their_fields.keys().chain(our_fields.keys()).collect::<BTreeSet<_>>() {
        let (their, our) = (their_fields.get(name), our_fields.get(name));
        let is_beyond = their.is_none() && BEYOND.contains(&name.as_str());
        if their != our && !is_beyond {
            note(format!("{name} is {our:?}, contract says {their:?}"));
        }
    }
    let too_little: Vec<_> = their_required.difference(&our_required).collect();
    let too_much: Vec<_> = our_required.difference(&their_required).collect();
    if !too_little.is_empty() {
        note(format!("does not require {too_little:?}"));
    }
    if compared.way != Way::Out && !too_much.is_empty() {
        note(format!("requires {too_much:?} without need"));
    }
    wrong
}

/// Fields of ours that the contract does not know; requests need none of them, and replies have them where they were set.
const BEYOND: &[&str] =
    &["payment_order", "payment_receiver", "callback_url", "prepaid_balance_atomic", "prepaid_balance_usd", "prepaid"];

fn references(schema: &Value, into: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            into.extend(map.get("$ref").map(last_segment));
            map.values().for_each(|value| references(value, into));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, into)),
        _ => {}
    }
}

#[test]
fn every_schema_of_the_platform_door_is_what_the_contract_says() {
    let Some(contract) = contract() else {
        println!("SKIPPED: no contract of the platform door beside the workspace");
        return;
    };
    let all = everything();
    let known: BTreeSet<_> = all.iter().map(|compared| compared.name.to_owned()).collect();
    let mut wrong: Vec<_> = all.iter().flat_map(|compared| differences(&contract, compared)).collect();
    for compared in &all {
        let mut named = BTreeSet::new();
        find(&contract, compared.name).into_iter().for_each(|schema| references(schema, &mut named));
        wrong.extend(named.difference(&known).map(|name| format!("{}: refers to {name}, not compared", compared.name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn query_parameters_are_those_of_the_contract() {
    let Some(contract) = contract() else {
        println!("SKIPPED: no contract of the platform door beside the workspace");
        return;
    };
    let cases = [
        ("/publishers", schema_of::<ListPublishersQuery>(Way::In)),
        ("/wallet/transactions", schema_of::<WalletTransactionsQuery>(Way::In)),
    ];
    for (path, ours) in cases {
        let plain = |meaning: String| meaning.trim_end_matches('?').to_owned();
        let parameters = contract["paths"][path]["get"]["parameters"].as_array().unwrap();
        let theirs: BTreeMap<_, _> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| (parameter["name"].as_str().unwrap().to_owned(), plain(meaning(&parameter["schema"]))))
            .collect();
        let (fields, required) = flat(&Value::Null, &ours);
        let fields: BTreeMap<_, _> = fields.into_iter().map(|(name, meaning)| (name, plain(meaning))).collect();
        assert_eq!(fields, theirs, "{path}");
        assert!(required.is_empty(), "{path}");
    }
}
