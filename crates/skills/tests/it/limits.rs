//! What is more than the limits allow.

use crate::{FIELD, file, new_skill, process_with, skill_md};
use farebox_base::Kind;
use farebox_skills::SkillLimits;
use farebox_testkit::engines;

#[tokio::test]
async fn files_over_a_limit_are_refused_with_the_limit() {
    engines::each(async |db| {
        let limits = SkillLimits {
            files: 3,
            file_bytes: 100,
            revision_bytes: 150,
            skill_md_bytes: 90,
            ..SkillLimits::default()
        };
        let here = process_with(&db, limits);
        let author = here.author().await;
        let skill = here.skill(author, "x").await;
        let long = format!("---\nname: {}\n---\n", "x".repeat(80));
        for (files, field, part) in [
            ((0..4).map(|n| file(&format!("{n}"), b"")).collect(), "files", "3 entries"),
            (vec![skill_md("x"), file("a", &[0; 101])], "files.1.content_base64", "100 bytes"),
            (vec![skill_md("x"), file("a", &[0; 100]), file("b", &[0; 40])], "files", "150 bytes together"),
            (vec![file("SKILL.md", long.as_bytes())], "files.0.content_base64", "90 bytes"),
        ] {
            let error = here.skills.revision_create(author, skill.id, FIELD, files, false).await.unwrap_err();
            assert_eq!((error.kind, error.field.as_deref()), (Kind::Invalid, Some(field)), "{}", error.message);
            assert!(error.message.contains(part), "{}", error.message);
        }
        here.revise(author, &skill, vec![skill_md("x"), file("a", &[0; 60]), file("b", b"")], false).await;
    })
    .await;
}

#[tokio::test]
async fn a_party_has_room_for_so_much_and_the_same_content_takes_it_once() {
    engines::each(async |db| {
        let limits = SkillLimits { stored_bytes: 3_000, skills: 2, revisions: 4, ..SkillLimits::default() };
        let here = process_with(&db, limits);
        let (author, other) = (here.author().await, here.author().await);
        let skill = here.skill(author, "x").await;
        let noise: Vec<u8> = (0..1_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let files = || vec![skill_md("x"), file("noise", &noise)];
        here.revise(author, &skill, files(), false).await;
        here.revise(author, &skill, files(), false).await;
        let turned: Vec<u8> = noise.iter().rev().copied().collect();
        let more = || vec![skill_md("x"), file("noise", &turned)];
        let error = here.skills.revision_create(author, skill.id, FIELD, more(), true).await.unwrap_err();
        assert_eq!((error.kind, error.code), (Kind::Conflict, "skill_storage_full"));
        assert_eq!(here.skills.revisions(author.party, skill.id).await.unwrap().len(), 3);
        let foreign = here.skill(other, "x").await;
        here.revise(other, &foreign, more(), false).await;

        here.revise(author, &skill, files(), false).await;
        let error = here.skills.revision_create(author, skill.id, FIELD, files(), true).await.unwrap_err();
        assert_eq!((error.kind, error.code), (Kind::Conflict, "too_many_revisions"));
        here.skill(author, "y").await;
        let error = here.skills.skill_create(author, FIELD, new_skill("z")).await.unwrap_err();
        assert_eq!((error.kind, error.code), (Kind::Conflict, "too_many_skills"));
    })
    .await;
}
