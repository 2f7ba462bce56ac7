//! Revisions: their numbers, files and bundles.

use crate::{FIELD, file, process, skill_md};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use farebox_base::Kind;
use farebox_skills::FileInput;
use farebox_testkit::engines;
use serde_json::json;

#[tokio::test]
async fn a_revision_shows_its_text_frontmatter_manifest_and_files_in_order() {
    engines::each(async |db| {
        let here = process(&db);
        let author = here.author().await;
        let skill = here.skill(author, "x").await;
        let typed = FileInput { content_type: Some("text/x-own".to_owned()), ..file("b.txt", b"b") };
        let files = vec![typed, file("a/z.bin", b"\x00\xff"), file("Z.md", b"z"), skill_md("named")];
        let revision = here.revise(author, &skill, files, false).await;
        assert_eq!(revision.summary.number, 2);
        assert!(revision.skill_md.starts_with("---\nname: named\n"));
        assert_eq!(revision.skill_md_sha256, revision.files.first().unwrap().sha256);
        assert_eq!(json!(revision.frontmatter), json!({"name": "named", "description": "Does named."}));
        let shown: Vec<_> = revision
            .files
            .iter()
            .map(|f| (f.path.as_str(), f.content_type.as_str(), f.is_text, f.size_bytes))
            .collect();
        let size = i64::try_from(revision.skill_md.len()).unwrap();
        assert_eq!(
            shown,
            [
                ("SKILL.md", "text/markdown", true, size),
                ("Z.md", "text/markdown", true, 1),
                ("a/z.bin", "application/octet-stream", false, 2),
                ("b.txt", "text/x-own", true, 1),
            ]
        );
        let manifest = revision.manifest();
        assert_eq!((&manifest["entry"], &manifest["total_size_bytes"]), (&json!("SKILL.md"), &json!(size + 4)));
        assert_eq!(manifest["files"][2]["path"], "a/z.bin");
        assert!(revision.files.iter().all(|f| f.revision_id == revision.summary.id));
        assert_eq!(here.skills.revision(author.party, skill.id, revision.summary.id).await.unwrap(), revision);
    })
    .await;
}

#[tokio::test]
async fn every_file_is_read_back_as_it_was_sent() {
    engines::each(async |db| {
        let here = process(&db);
        let author = here.author().await;
        let skill = here.skill(author, "x").await;
        let binary: Vec<u8> = (0..=255).collect();
        let files = vec![skill_md("x"), file("b/all.bin", &binary), file("empty", b""), file("copy.bin", &binary)];
        let revision = here.revise(author, &skill, files, false).await.summary;
        for (path, content) in [("b/all.bin", binary.as_slice()), ("empty", b""), ("copy.bin", &binary)] {
            let file = here.skills.file(author.party, skill.id, revision.id, path).await.unwrap();
            assert_eq!((file.content.as_slice(), file.info.path.as_str()), (content, path));
        }
        for absent in ["B/all.bin", "b", "nothing"] {
            let error = here.skills.file(author.party, skill.id, revision.id, absent).await.unwrap_err();
            assert_eq!(error.kind, Kind::NotFound, "{absent}");
        }
        for bad in ["", "../x", "/etc/passwd", "a\0b", "a\\b", "ä"] {
            let error = here.skills.file(author.party, skill.id, revision.id, bad).await.unwrap_err();
            assert_eq!((error.kind, error.field.as_deref()), (Kind::Invalid, Some("path")), "{bad:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_bundle_has_the_hash_that_is_shown_and_the_same_files_have_the_same_bundle() {
    engines::each(async |db| {
        let here = process(&db);
        let (author, other) = (here.author().await, here.author().await);
        let (skill, foreign) = (here.skill(author, "x").await, here.skill(other, "y").await);
        let files = || vec![skill_md("same"), file("b", b"2"), file("a", b"1")];
        let mut turned = files();
        turned.reverse();
        let first = here.revise(author, &skill, files(), false).await.summary;
        let again = here.revise(author, &skill, turned, false).await.summary;
        let elsewhere = here.revise(other, &foreign, files(), true).await.summary;
        let differs =
            here.revise(author, &skill, vec![skill_md("same"), file("b", b"2"), file("c", b"1")], false).await;
        assert_eq!((&first.bundle_sha256, &again.bundle_sha256), (&elsewhere.bundle_sha256, &elsewhere.bundle_sha256));
        assert_ne!(first.bundle_sha256, differs.summary.bundle_sha256);
        assert_eq!((first.number, again.number), (2, 3));

        let bundle = here.skills.bundle(author.party, skill.id, again.id).await.unwrap();
        assert_eq!((bundle.file_name.as_str(), &bundle.sha256), ("x-r3.tar.gz", &again.bundle_sha256));
        assert_eq!(i64::try_from(bundle.bytes.len()).unwrap(), again.bundle_size_bytes);
        let hash: String =
            <sha2::Sha256 as sha2::Digest>::digest(&bundle.bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hash, again.bundle_sha256);
    })
    .await;
}

#[tokio::test]
async fn revisions_are_numbered_without_a_gap_whoever_adds_them_at_once() {
    engines::each(async |db| {
        let here = process(&db);
        let author = here.author().await;
        let skill = here.skill(author, "x").await;
        let adding = (0..6).map(|n| {
            let (skills, id) = (here.skills.clone(), skill.id);
            tokio::spawn(async move {
                let files = vec![skill_md("x"), file("n", format!("{n}").as_bytes())];
                skills.revision_create(author, id, FIELD, files, true).await.unwrap().summary.number
            })
        });
        let mut numbers = Vec::new();
        for added in adding.collect::<Vec<_>>() {
            numbers.push(added.await.unwrap());
        }
        numbers.sort_unstable();
        assert_eq!(numbers, [2, 3, 4, 5, 6, 7]);
        let listed = here.skills.revisions(author.party, skill.id).await.unwrap();
        assert_eq!(listed.iter().map(|r| r.number).collect::<Vec<_>>(), [7, 6, 5, 4, 3, 2, 1]);
    })
    .await;
}

#[tokio::test]
async fn files_that_are_an_attack_or_a_mistake_are_refused_by_name_and_leave_nothing() {
    engines::each(async |db| {
        let here = process(&db);
        let author = here.author().await;
        let skill = here.skill(author, "x").await;
        let raw = |path: &str, text: &str| FileInput {
            path: path.to_owned(),
            content_base64: text.to_owned(),
            content_type: None,
        };
        let md = |text: &str| vec![raw("SKILL.md", &STANDARD.encode(text))];
        let beside = |bad: FileInput| vec![skill_md("x"), bad];
        let bomb = format!("---\na: &a [x]\nb: [{}]\n---\n", "*a,".repeat(1_000));
        let deep = format!("---\na: {}\n---\n", "[".repeat(15_000));
        for (files, field) in [
            (vec![], "files"),
            (vec![file("README.md", b"x")], "files"),
            (vec![file("skill.md", b"x")], "files"),
            (vec![file("folder/SKILL.md", b"x")], "files"),
            (beside(file("../../etc/passwd", b"x")), "files.1.relative_path"),
            (beside(file("/abs", b"x")), "files.1.relative_path"),
            (beside(file("a\\..\\b", b"x")), "files.1.relative_path"),
            (beside(file("a\0b", b"x")), "files.1.relative_path"),
            (beside(file("skill.MD", b"x")), "files.1.relative_path"),
            (beside(file("SKILL.md/x", b"x")), "files.1.relative_path"),
            (beside(raw("a", "not base64!")), "files.1.content_base64"),
            (beside(FileInput { content_type: Some("x\r\ny".to_owned()), ..file("a", b"x") }), "files.1.content_type"),
            (vec![file("SKILL.md", b"\xff\xfe")], "files.0.content_base64"),
            (md("a\0b"), "files.0.content_base64"),
            (md("---\nname: x\n"), "files.0.content_base64"),
            (md(&bomb), "files.0.content_base64"),
            (md(&deep), "files.0.content_base64"),
            (md("---\nname: [1]\n---\n"), "files.0.content_base64"),
        ] {
            let shown = format!("{files:?}");
            let error = here.skills.revision_create(author, skill.id, FIELD, files, true).await.unwrap_err();
            assert_eq!((error.kind, error.field.as_deref()), (Kind::Invalid, Some(field)), "{shown:.200}");
        }
        assert_eq!(here.skills.revisions(author.party, skill.id).await.unwrap().len(), 1);
    })
    .await;
}
