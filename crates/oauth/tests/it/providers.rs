//! Providers: whose they are, and that their secrets stay secret.

use crate::stage::Stage;
use farebox_base::Kind;
use farebox_db::Value;
use farebox_oauth::{NewProvider, ProviderPatch, Sensitive};
use farebox_testkit::engines;

#[tokio::test]
async fn a_provider_is_its_owners_alone_and_slugs_are_taken_for_one_owner() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let (one, two) = (stage.user("One").await.party_id, stage.user("Two").await.party_id);
        let made = stage.provider(Some(one), "github").await;
        let twice = stage.oauth.provider_create(Some(one), &stage.described("github")).await.unwrap_err();
        assert_eq!((twice.kind, twice.code), (Kind::Conflict, "slug_taken"));
        let others = stage.provider(Some(two), "github").await;
        let operators = stage.provider(None, "github").await;
        let twice = stage.oauth.provider_create(None, &stage.described("github")).await.unwrap_err();
        assert_eq!(twice.code, "slug_taken");

        for owner in [Some(two), None] {
            let patch = ProviderPatch { name: Some("stolen".to_owned()), ..ProviderPatch::default() };
            assert_eq!(stage.oauth.provider_owned(owner, made.id).await.unwrap_err().kind, Kind::NotFound);
            assert_eq!(stage.oauth.provider_update(owner, made.id, &patch).await.unwrap_err().kind, Kind::NotFound);
            assert_eq!(stage.oauth.provider_delete(owner, made.id).await.unwrap_err().kind, Kind::NotFound);
        }
        assert_eq!(stage.oauth.provider_owned(Some(one), made.id).await.unwrap(), made);
        assert_eq!(stage.oauth.providers_owned(Some(two)).await.unwrap(), [others]);
        let visible: Vec<_> = stage.oauth.providers_visible(&[one]).await.unwrap().iter().map(|it| it.id).collect();
        assert_eq!(visible, [operators.id, made.id]);
    })
    .await;
}

#[tokio::test]
async fn a_slug_means_the_provider_of_whom_one_acts_for_then_of_another_own_organization_then_the_operators() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let mut parties = Vec::new();
        for name in ["Oldest", "Second", "Third", "Stranger"] {
            parties.push(stage.user(name).await.party_id);
        }
        let [oldest, second, third, stranger] = parties[..] else { panic!() };
        let strangers = stage.provider(Some(stranger), "github").await;
        let meant = async |acting, others: &[_]| {
            let found = stage.oauth.provider_by_slug(acting, others, "github").await;
            found.map(|found| found.map(|provider| provider.id))
        };
        assert_eq!(meant(oldest, &[oldest, second]).await.unwrap(), None);
        assert_eq!(stage.oauth.operators_provider("github").await.unwrap(), None);
        let operators = stage.provider(None, "github").await.id;
        assert_eq!(meant(third, &[oldest, second, third]).await.unwrap(), Some(operators));
        let olds = stage.provider(Some(oldest), "github").await.id;
        assert_eq!(meant(third, &[oldest, second, third]).await.unwrap(), Some(olds));
        let thirds = stage.provider(Some(third), "github").await.id;
        assert_eq!(meant(third, &[oldest, second, third]).await.unwrap(), Some(thirds));
        assert_eq!(meant(oldest, &[oldest, second, third]).await.unwrap(), Some(olds));
        // Two others have it: nothing tells which.
        let unclear = meant(second, &[oldest, second, third]).await.unwrap_err();
        assert_eq!(unclear.field.as_deref(), Some("provider"));
        assert_eq!(meant(second, &[]).await.unwrap(), Some(operators));
        assert_eq!(meant(stranger, &[]).await.unwrap(), Some(strangers.id));
        assert_eq!(stage.oauth.provider_by_slug(oldest, &[], "git\0hub").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_change_is_checked_as_a_whole_and_keeps_what_it_does_not_name() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let owner = Some(stage.user("One").await.party_id);
        let made = stage.provider(owner, "one").await;
        stage.provider(owner, "two").await;
        let patch = ProviderPatch {
            name: Some(" New ".to_owned()),
            revocation_url: Some(None),
            is_active: Some(false),
            ..ProviderPatch::default()
        };
        let changed = stage.oauth.provider_update(owner, made.id, &patch).await.unwrap();
        assert_eq!((changed.name.as_str(), changed.revocation_url.as_ref(), changed.is_active), ("New", None, false));
        assert_eq!((&changed.slug, &changed.token_url, &changed.scopes), (&made.slug, &made.token_url, &made.scopes));
        assert_eq!(stage.oauth.provider_owned(owner, made.id).await.unwrap(), changed);
        for (patch, field) in [
            (ProviderPatch { token_url: Some("http://10.0.0.1/".to_owned()), ..ProviderPatch::default() }, "token_url"),
            (ProviderPatch { slug: Some("A".to_owned()), ..ProviderPatch::default() }, "slug"),
            (
                ProviderPatch { client_secret: Some(Sensitive::new("a\nb")), ..ProviderPatch::default() },
                "client_secret",
            ),
        ] {
            let error = stage.oauth.provider_update(owner, made.id, &patch).await.unwrap_err();
            assert_eq!(error.field.as_deref(), Some(field));
        }
        // The secret that is kept is sent to no server that it was not given for.
        for patch in [
            ProviderPatch { token_url: Some("https://evil.example.com/t".to_owned()), ..ProviderPatch::default() },
            ProviderPatch {
                revocation_url: Some(Some("https://worse.example.com/r".to_owned())),
                ..ProviderPatch::default()
            },
        ] {
            let error = stage.oauth.provider_update(owner, made.id, &patch).await.unwrap_err();
            assert_eq!(error.field.as_deref(), Some("client_secret"));
            let anew = ProviderPatch { client_secret: Some(Sensitive::new("another")), ..patch };
            stage.oauth.provider_update(owner, made.id, &anew).await.unwrap();
        }
        let taken = ProviderPatch { slug: Some("two".to_owned()), ..ProviderPatch::default() };
        assert_eq!(stage.oauth.provider_update(owner, made.id, &taken).await.unwrap_err().code, "slug_taken");
        let nul = NewProvider { name: "a\0b".to_owned(), ..stage.described("three") };
        assert_eq!(stage.oauth.provider_create(owner, &nul).await.unwrap_err().field.as_deref(), Some("name"));
    })
    .await;
}

#[tokio::test]
async fn no_column_holds_a_secret_token_code_or_verifier_as_it_is() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let user = stage.user("One").await;
        let provider = stage.provider(Some(user.party_id), "one").await;
        stage.connected(user, &provider).await;
        let (begun, state) = stage.begun(user, &provider).await;
        let returned = farebox_oauth::Returned { state: Some(&state), code: Some("plain-code"), ..Default::default() };
        stage.oauth.callback(&provider, returned, None).await.unwrap();
        let verifier = stage.server.asked("/token")[0].form["code_verifier"].clone();
        let secrets =
            ["hunter2-secret", "access-1", "refresh-1", "plain-code", &verifier, &state, begun.flow.secret.expose()];
        let mut cells = 0;
        for rows in [
            stage.db.query("SELECT * FROM oauth_provider", &[]).await.unwrap(),
            stage.db.query("SELECT * FROM oauth_pending", &[]).await.unwrap(),
            stage.db.query("SELECT * FROM oauth_connection", &[]).await.unwrap(),
        ] {
            assert_eq!(rows.len(), 1);
            for value in rows[0].values() {
                let bytes = match value {
                    Value::Text(text) => text.as_bytes(),
                    Value::Blob(bytes) => bytes,
                    Value::Null | Value::I64(_) => continue,
                };
                cells += 1;
                for secret in secrets {
                    assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
                }
            }
        }
        assert!(cells > 20);
        assert!(!format!("{begun:?}").contains(&state));
    })
    .await;
}
