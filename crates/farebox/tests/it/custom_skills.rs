//! Skills of an organization through the platform door: their whole life, who may, and what is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use farebox_testkit::app::{Agent, Ask, Got, TestApp};
use farebox_testkit::engines::TestDb;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const TEXT: &str =
    "---\nname: pdf-forms\ndescription: Fills in forms.\nmetadata: {version: 1.5, tags: [pdf]}\n---\n# Forms\n";
const SKILLS: &str = "/organizations/default/custom-skills";

fn file(path: &str, content: &[u8]) -> Value {
    json!({ "relative_path": path, "content_base64": STANDARD.encode(content) })
}

fn files() -> Value {
    json!([
        file("scripts/fill.py", b"print('filled')\n"),
        file("SKILL.md", TEXT.as_bytes()),
        file("logo.bin", &[0, 159])
    ])
}

fn skill(slug: &str) -> Value {
    json!({ "slug": slug, "display_name": "PDF forms", "initial_revision": { "files": files(), "publish": true } })
}

fn patch(path: &str, body: Value) -> Ask {
    Ask::new(Method::PATCH, path).json(body)
}

/// Makes a skill with one published revision; answers the paths of both.
async fn made(app: &TestApp, agent: &Agent, slug: &str) -> (String, String) {
    let got = app.expect(&Ask::post(SKILLS, skill(slug)).key(&agent.key), 200).await;
    let path = format!("{SKILLS}/{}", got.at("/data/id"));
    let revision = format!("{path}/revisions/{}", got.at("/data/latest_revision_id"));
    (path, revision)
}

/// A reply's bytes, which `Ask` would take for text.
async fn bytes(app: &TestApp, agent: &Agent, path: &str, tag: Option<&str>) -> (http::response::Parts, Vec<u8>) {
    let mut request =
        Request::get(format!("{}{path}", app.base)).header("authorization", format!("Bearer {}", agent.key));
    if let Some(tag) = tag {
        request = request.header("if-none-match", tag);
    }
    let response = app.client().send(request.body(farebox_net::full("")).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    (head, body.collect().await.unwrap().to_bytes().to_vec())
}

fn hex(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skill_is_made_revised_published_read_and_downloaded() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let agent = app.agent("Author").await;
        let ask = |ask: Ask| ask.key(&agent.key);
        let created = app.expect(&ask(Ask::post(SKILLS, skill("pdf-forms"))), 200).await;
        let (id, first) = (created.at("/data/id"), created.at("/data/published_revision_id"));
        assert_eq!(created.at("/data/organization_id"), agent.party.to_string());
        assert_eq!((created.at("/data/slug"), created.at("/data/status")), ("pdf-forms".into(), "active".into()));
        assert_eq!(created.at("/data/published_revision/title"), "pdf-forms");
        assert_eq!(created.at("/data/latest_revision/file_count"), "3");
        let path = format!("{SKILLS}/{id}");

        let changed = json!([file("SKILL.md", b"# Bare\n"), file("b", b"")]);
        let added = app.expect(&ask(Ask::post(format!("{path}/revisions"), json!({ "files": changed }))), 200).await;
        assert_eq!((added.at("/data/revision_number"), added.at("/data/status")), ("2".into(), "draft".into()));
        assert_eq!((added.at("/data/frontmatter"), added.at("/data/title")), ("{}".into(), "null".into()));
        let second = added.at("/data/id");
        let published = app.expect(&ask(Ask::post(format!("{path}/revisions/{second}/publish"), json!({}))), 200).await;
        assert_eq!(published.at("/data/published_revision_id"), second);
        let listed = app.expect(&ask(Ask::get(format!("{path}/revisions"))), 200).await;
        assert_eq!(
            (listed.at("/data/0/status"), listed.at("/data/1/status")),
            ("published".into(), "superseded".into())
        );

        let shown = app.expect(&ask(Ask::get(format!("{path}/revisions/{first}"))), 200).await;
        assert_eq!(
            (shown.at("/data/skill_md"), shown.at("/data/skill_md_sha256")),
            (TEXT.into(), hex(TEXT.as_bytes()))
        );
        assert_eq!(shown.at("/data/frontmatter/metadata/version"), "1.5");
        assert_eq!(
            (shown.at("/data/files/2/relative_path"), shown.at("/data/files/2/is_text")),
            ("scripts/fill.py".into(), "true".into())
        );
        assert_eq!(shown.at("/data/manifest/files/1/path"), "logo.bin");
        let read =
            app.expect(&ask(Ask::get(format!("{path}/revisions/{first}/file?path=scripts%2Ffill.py"))), 200).await;
        assert_eq!(read.at("/data/content_base64"), STANDARD.encode("print('filled')\n"));
        assert_eq!(read.at("/data/content_type"), "text/x-python");

        let (head, bundle) = bytes(&app, &agent, &format!("{path}/revisions/{first}/bundle"), None).await;
        assert_eq!(hex(&bundle), shown.at("/data/bundle_sha256"));
        assert_eq!(bundle.len().to_string(), shown.at("/data/bundle_size_bytes"));
        let header = |name: &str| head.headers.get(name).unwrap().to_str().unwrap().to_owned();
        assert_eq!((head.status.as_u16(), header("content-type")), (200, "application/gzip".into()));
        assert_eq!(header("content-disposition"), "attachment; filename=\"pdf-forms-r1.tar.gz\"");
        let tag = header("etag");
        assert_eq!(tag, format!("\"{}\"", hex(&bundle)));
        let (head, bundle) = bytes(&app, &agent, &format!("{path}/revisions/{first}/bundle"), Some(&tag)).await;
        assert_eq!((head.status.as_u16(), bundle.len()), (304, 0));
        let (head, bundle) = bytes(&app, &agent, &format!("{path}/revisions/{second}/bundle"), Some(&tag)).await;
        assert_eq!((head.status.as_u16(), bundle.is_empty()), (200, false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_leaves_what_it_omits_clears_null_and_archives() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let agent = app.agent("Author").await;
        let (path, revision) = made(&app, &agent, "x").await;
        let change = async |body: Value| app.expect(&patch(&path, body).key(&agent.key), 200).await;
        assert_eq!(change(json!({ "description": "d" })).await.at("/data/description"), "d");
        let got = change(json!({ "display_name": "New", "status": null })).await;
        assert_eq!((got.at("/data/display_name"), got.at("/data/description")), ("New".into(), "d".into()));
        let got = change(json!({ "display_name": null, "description": null })).await;
        assert_eq!((got.at("/data/display_name"), got.at("/data/description")), ("New".into(), "null".into()));

        let got = change(json!({ "status": "archived" })).await;
        assert_eq!(
            (got.at("/data/status"), got.at("/data/published_revision/status")),
            ("archived".into(), "archived".into())
        );
        let list = async |query: &str| {
            let got = app.expect(&Ask::get(format!("{SKILLS}{query}")).key(&agent.key), 200).await;
            got.at("/data").matches("\"slug\"").count()
        };
        assert_eq!((list("").await, list("?include_archived=true").await, list("?q=NEW").await), (0, 1, 0));
        let more = Ask::post(format!("{path}/revisions"), json!({ "files": files() }));
        assert_eq!(app.expect(&more.key(&agent.key), 409).await.at("/error"), "skill_archived");
        app.expect(&Ask::post(format!("{revision}/publish"), json!({})).key(&agent.key), 409).await;
        app.expect(&Ask::get(format!("{revision}/bundle")).key(&agent.key), 200).await;
        change(json!({ "status": "active" })).await;
        assert_eq!((list("").await, list("?q=NEW").await, list("?q=nothing").await), (1, 1, 0));
        let taken = app.expect(&Ask::post(SKILLS, skill("x")).key(&agent.key), 409).await;
        assert_eq!(taken.at("/error"), "slug_taken");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn skills_of_another_organization_stay_out_of_reach() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let (owner, other) = (app.agent("Owner").await, app.agent("Other").await);
        let (path, revision) = made(&app, &owner, "mine").await;
        let (own, own_revision) = made(&app, &other, "theirs").await;
        let named = |path: &str| path.replacen("default", &owner.party.to_string(), 1);
        let id = revision.rsplit('/').next().unwrap().to_owned();
        let crossed = format!("{own}/revisions/{id}");
        let new = || json!({ "files": files() });
        for (ask, status) in [
            (Ask::get(named(SKILLS)), 404),
            (Ask::post(named(SKILLS), skill("stolen")), 404),
            (Ask::get(named(&path)), 404),
            (patch(&named(&path), json!({ "display_name": "stolen" })), 404),
            (Ask::get(format!("{}/revisions", named(&path))), 404),
            (Ask::post(format!("{}/revisions", named(&path)), new()), 404),
            (Ask::get(named(&revision)), 404),
            (Ask::get(format!("{}/bundle", named(&revision))), 404),
            (Ask::get(format!("{}/file?path=SKILL.md", named(&revision))), 404),
            (Ask::post(format!("{}/publish", named(&revision)), json!({})), 404),
            (Ask::get(&path), 404),
            (patch(&path, json!({ "display_name": "stolen" })), 404),
            (Ask::get(format!("{path}/revisions")), 404),
            (Ask::post(format!("{path}/revisions"), new()), 404),
            (Ask::get(&revision), 404),
            (Ask::get(format!("{revision}/bundle")), 404),
            (Ask::get(format!("{revision}/file?path=SKILL.md")), 404),
            (Ask::post(format!("{revision}/publish"), json!({})), 404),
            (Ask::get(&crossed), 404),
            (Ask::get(format!("{crossed}/bundle")), 404),
            (Ask::get(format!("{crossed}/file?path=SKILL.md")), 404),
            (Ask::post(format!("{crossed}/publish"), json!({})), 404),
        ] {
            app.expect(&ask.key(&other.key), status).await;
        }
        app.expect(&Ask::get(&own_revision).key(&other.key), 200).await;
        let shown = app.expect(&Ask::get(&path).key(&owner.key), 200).await;
        assert_eq!(
            (shown.at("/data/display_name"), shown.at("/data/latest_revision/revision_number")),
            ("PDF forms".into(), "1".into())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_may_only_read_skills_writes_none() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let agent = app.agent("Author").await;
    let (path, revision) = made(&app, &agent, "x").await;
    let scopes = json!({ "name": "reader", "scopes": ["skills.read"] });
    let key = app.expect(&Ask::post("/organizations/default/api-keys", scopes).key(&agent.key), 201).await;
    let reader = key.at("/data/api_key");
    app.expect(&Ask::get(&revision).key(&reader), 200).await;
    for ask in [
        Ask::post(SKILLS, skill("y")),
        patch(&path, json!({})),
        Ask::post(format!("{path}/revisions"), json!({ "files": files() })),
        Ask::post(format!("{revision}/publish"), json!({})),
    ] {
        app.expect(&ask.key(&reader), 403).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_skills_are_refused_by_field() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let agent = app.agent("Author").await;
        let with = |pointer: &str, value: Value| {
            let mut body = skill("fine");
            *body.pointer_mut(pointer).unwrap() = value;
            body
        };
        let first = "/initial_revision/files/0";
        for (body, field) in [
            (with("/slug", json!("Not A Slug")), "slug"),
            (with("/slug", json!("a\0b")), "slug"),
            (with("/display_name", json!(" ")), "display_name"),
            (with("/display_name", json!("a\0b")), "display_name"),
            (with("/display_name", json!("\u{202e}x")), "display_name"),
            (with("/initial_revision/files", json!([])), "initial_revision.files"),
            (with(first, file("../x", b"")), "initial_revision.files.0.relative_path"),
            (with(first, file("a\0", b"")), "initial_revision.files.0.relative_path"),
            (with(first, file("skill.MD", b"")), "initial_revision.files.1.relative_path"),
            (with(&format!("{first}/content_base64"), json!("%")), "initial_revision.files.0.content_base64"),
            (
                with("/initial_revision/files/1", file("SKILL.md", b"---\na: *b\n---\n")),
                "initial_revision.files.1.content_base64",
            ),
        ] {
            let got = app.expect(&Ask::post(SKILLS, body).key(&agent.key), 400).await;
            assert_eq!(got.at("/field"), field, "{}", got.text);
        }
        let (path, revision) = made(&app, &agent, "x").await;
        let refused = async |ask: Ask, status: u16| -> Got { app.expect(&ask.key(&agent.key), status).await };
        let got = refused(patch(&path, json!({ "description": "a\0b" })), 400).await;
        assert_eq!(got.at("/field"), "description");
        refused(patch(&path, json!({ "status": "gone" })), 400).await;
        refused(Ask::get(format!("{revision}/file")), 400).await;
        refused(Ask::get(format!("{revision}/file?path=..%2Fx")), 400).await;
        refused(Ask::get(format!("{revision}/file?path=%00")), 400).await;
        refused(Ask::get(format!("{revision}/file?path=absent")), 404).await;
        refused(Ask::get(format!("{SKILLS}?q={}", "x".repeat(501))), 400).await;
        refused(Ask::get(format!("{SKILLS}?include_archived=maybe")), 400).await;
        refused(Ask::get(format!("{SKILLS}/not-an-id")), 400).await;
        refused(Ask::get("/organizations/not-an-id/custom-skills"), 400).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_revisions_are_taken_up_to_the_limit_and_refused_beyond() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let agent = app.agent("Author").await;
    let (path, _) = made(&app, &agent, "x").await;
    let with = |sizes: &[usize]| {
        let mut files = vec![file("SKILL.md", b"# x")];
        files.extend(sizes.iter().enumerate().map(|(n, size)| file(&format!("{n}.bin"), &vec![0; *size])));
        Ask::post(format!("{path}/revisions"), json!({ "files": files })).key(&agent.key)
    };
    let mebibyte = 1 << 20;
    app.expect(&with(&[4 * mebibyte, 4 * mebibyte - 3]), 200).await;
    let got = app.expect(&with(&[4 * mebibyte, 4 * mebibyte - 2]), 400).await;
    assert_eq!(got.at("/field"), "files");
    let got = app.expect(&with(&[4 * mebibyte + 1]), 400).await;
    assert_eq!(got.at("/field"), "files.1.content_base64");
    app.expect(&with(&[4 * mebibyte; 3]), 413).await;
}
