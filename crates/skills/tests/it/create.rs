//! Making, finding, changing and archiving skills.

use crate::{FIELD, file, new_skill, process, skill_md};
use farebox_base::{Clock, Kind, SkillId};
use farebox_skills::{NewSkill, RevisionStatus, SkillFilter, SkillPatch, SkillStatus};
use farebox_testkit::engines;

#[tokio::test]
async fn a_new_skill_has_a_first_revision_made_of_its_files() {
    engines::each(async |db| {
        let here = process(&db);
        let author = here.author().await;
        let files = vec![file("scripts/run.py", b"print(1)"), skill_md("pdf-forms"), file("a.bin", &[0, 255])];
        let new = NewSkill { description: Some(" Forms. ".to_owned()), files, ..new_skill("pdf-forms") };
        let skill = here.skills.skill_create(author, FIELD, new).await.unwrap();
        assert_eq!((skill.slug.as_str(), skill.display_name.as_str()), ("pdf-forms", "PDF-FORMS"));
        assert_eq!((skill.description.as_deref(), skill.status), (Some("Forms."), SkillStatus::Active));
        assert_eq!((skill.created_by, skill.updated_by), (author.user, author.user));
        assert_eq!((skill.created_at, skill.updated_at), (here.clock.now(), here.clock.now()));
        assert_eq!(skill.published, None);
        let latest = skill.latest.clone().unwrap();
        assert_eq!((latest.number, latest.status, latest.file_count), (1, RevisionStatus::Draft, 3));
        assert_eq!(
            (latest.title.as_deref(), latest.description.as_deref()),
            (Some("pdf-forms"), Some("Does pdf-forms."))
        );
        assert_eq!((latest.created_by, latest.published_at), (author.user, None));
        assert_eq!(here.skills.skill(author.party, skill.id).await.unwrap(), skill);

        let published = NewSkill { publish: true, ..new_skill("b") };
        let published = here.skills.skill_create(author, FIELD, published).await.unwrap();
        assert_eq!(published.published, published.latest);
        assert_eq!(published.published.unwrap().status, RevisionStatus::Published);
    })
    .await;
}

#[tokio::test]
async fn a_slug_is_taken_once_in_a_party_and_free_in_another() {
    engines::each(async |db| {
        let here = process(&db);
        let (author, other) = (here.author().await, here.author().await);
        here.skill(author, "same").await;
        let error = here.skills.skill_create(author, FIELD, new_skill("same")).await.unwrap_err();
        assert_eq!((error.kind, error.code), (Kind::Conflict, "slug_taken"));
        here.skill(other, "same").await;
        assert_eq!(here.skills.skills(author.party, &SkillFilter::default()).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn lists_are_searched_newest_first_and_leave_archived_skills_out() {
    engines::each(async |db| {
        let here = process(&db);
        let author = here.author().await;
        here.skill(author, "alpha").await;
        let beta = here.skill(author, "beta").await;
        here.skill(author, "gamma").await;
        let words = NewSkill { description: Some("Größe in 100%_\\".to_owned()), ..new_skill("delta") };
        here.tick();
        let delta = here.skills.skill_create(author, FIELD, words).await.unwrap();
        let archive = SkillPatch { status: Some(SkillStatus::Archived), ..SkillPatch::default() };
        assert_eq!(found(&here, author, Some("BETA"), false).await, ["beta"]);
        here.skills.skill_update(author, beta.id, &archive).await.unwrap();

        assert_eq!(found(&here, author, None, false).await, ["delta", "gamma", "alpha"]);
        assert_eq!(found(&here, author, Some("  "), true).await, ["delta", "gamma", "beta", "alpha"]);
        assert_eq!(found(&here, author, Some("beta"), false).await, [""; 0]);
        for text in ["GRÖSSE", "größe", "100%_\\", "%_"] {
            let expected: &[&str] = if text == "GRÖSSE" { &[] } else { &["delta"] };
            assert_eq!(found(&here, author, Some(text), false).await, expected, "{text}");
        }
        for text in ["_", "%", "\0", "alpha\u{0}"] {
            let expected: &[&str] = if text.contains('\0') { &[] } else { &["delta"] };
            assert_eq!(found(&here, author, Some(text), false).await, expected, "{text:?}");
        }
        let long = SkillFilter { text: Some("x".repeat(501)), include_archived: false };
        assert_eq!(here.skills.skills(author.party, &long).await.unwrap_err().field.as_deref(), Some("q"));
        assert_eq!(delta.latest.unwrap().number, 1);
    })
    .await;
}

async fn found(
    here: &crate::Process,
    author: farebox_skills::Author,
    text: Option<&str>,
    archived: bool,
) -> Vec<String> {
    let filter = SkillFilter { text: text.map(str::to_owned), include_archived: archived };
    let skills = here.skills.skills(author.party, &filter).await.unwrap();
    skills.into_iter().map(|skill| skill.slug).collect()
}

#[tokio::test]
async fn a_change_touches_what_it_names_and_says_who_made_it() {
    engines::each(async |db| {
        let here = process(&db);
        let author = here.author().await;
        let new = NewSkill { description: Some("old".to_owned()), ..new_skill("x") };
        let before = here.skills.skill_create(author, FIELD, new).await.unwrap();
        let nobody = farebox_skills::Author { user: None, ..author };
        let at = here.tick();
        let name = SkillPatch { display_name: Some(" New ".to_owned()), ..SkillPatch::default() };
        let after = here.skills.skill_update(nobody, before.id, &name).await.unwrap();
        assert_eq!((after.display_name.as_str(), after.description.as_deref()), ("New", Some("old")));
        assert_eq!((after.created_by, after.updated_by), (author.user, None));
        assert_eq!((after.created_at, after.updated_at), (before.created_at, at));
        assert_eq!(found(&here, author, Some("new"), false).await, ["x"]);

        let clear = SkillPatch { description: Some(None), ..SkillPatch::default() };
        assert_eq!(here.skills.skill_update(author, before.id, &clear).await.unwrap().description, None);
        assert_eq!(found(&here, author, Some("old"), false).await, [""; 0]);

        for (patch, field) in [
            (SkillPatch { display_name: Some(" ".to_owned()), ..SkillPatch::default() }, "display_name"),
            (SkillPatch { display_name: Some("a\0b".to_owned()), ..SkillPatch::default() }, "display_name"),
            (SkillPatch { description: Some(Some("a\0b".to_owned())), ..SkillPatch::default() }, "description"),
        ] {
            let error = here.skills.skill_update(author, before.id, &patch).await.unwrap_err();
            assert_eq!(error.field.as_deref(), Some(field));
        }
        let nothing = SkillId::from_uuid(before.party_id.uuid());
        let error = here.skills.skill_update(author, nothing, &name).await.unwrap_err();
        assert_eq!(error.kind, Kind::NotFound);
    })
    .await;
}

#[tokio::test]
async fn an_archived_skill_shows_its_revisions_as_archived_and_takes_no_more_until_it_is_active() {
    engines::each(async |db| {
        let here = process(&db);
        let author = here.author().await;
        let new = NewSkill { publish: true, ..new_skill("x") };
        let skill = here.skills.skill_create(author, FIELD, new).await.unwrap();
        let with = |status| SkillPatch { status: Some(status), ..SkillPatch::default() };
        let archived = here.skills.skill_update(author, skill.id, &with(SkillStatus::Archived)).await.unwrap();
        let published = archived.published.unwrap();
        assert_eq!((archived.status, published.status), (SkillStatus::Archived, RevisionStatus::Archived));
        let listed = here.skills.revisions(author.party, skill.id).await.unwrap();
        assert_eq!(listed.first().unwrap().status, RevisionStatus::Archived);

        let files = vec![skill_md("y")];
        let error = here.skills.revision_create(author, skill.id, FIELD, files, true).await.unwrap_err();
        assert_eq!((error.kind, error.code), (Kind::Conflict, "skill_archived"));
        let error = here.skills.publish(author, skill.id, published.id).await.unwrap_err();
        assert_eq!((error.kind, error.code), (Kind::Conflict, "skill_archived"));

        let active = here.skills.skill_update(author, skill.id, &with(SkillStatus::Active)).await.unwrap();
        assert_eq!(active.published.unwrap().status, RevisionStatus::Published);
        assert_eq!(here.revise(author, &skill, vec![skill_md("y")], false).await.summary.number, 2);
    })
    .await;
}
