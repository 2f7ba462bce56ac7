//! Ids of another party, or of another skill, find nothing.

use crate::{FIELD, file, process, process_with, skill_md};
use farebox_base::{Kind, Result};
use farebox_skills::{Author, SkillFilter, SkillLimits, SkillPatch, Skills};
use farebox_testkit::engines;

#[tokio::test]
async fn nothing_of_a_skill_is_found_through_another_party_or_another_skill() {
    engines::each(async |db| {
        let here = process(&db);
        let (owner, other) = (here.author().await, here.author().await);
        let (mine, sibling, foreign) =
            (here.skill(owner, "a").await, here.skill(owner, "b").await, here.skill(other, "c").await);
        let revision = here.revise(owner, &mine, vec![skill_md("secret")], true).await.summary;
        let draft = here.revise(owner, &mine, vec![skill_md("draft")], false).await.summary;

        let theirs = here.skills.skills(other.party, &SkillFilter::default()).await.unwrap();
        assert_eq!(theirs.iter().map(|skill| skill.id).collect::<Vec<_>>(), [foreign.id]);
        not_found(here.skills.skill(other.party, mine.id).await);
        not_found(here.skills.skill_update(other, mine.id, &SkillPatch::default()).await);
        not_found(here.skills.revisions(other.party, mine.id).await);
        not_found(here.skills.revision_create(other, mine.id, FIELD, vec![skill_md("x")], true).await);
        for (author, skill) in [(other, mine.id), (other, foreign.id), (owner, sibling.id), (owner, foreign.id)] {
            nothing_through(&here.skills, author, skill, revision.id).await;
            nothing_through(&here.skills, author, skill, draft.id).await;
        }
        let after = here.skills.skill(owner.party, mine.id).await.unwrap();
        assert_eq!(
            (after.published.map(|r| r.id), after.updated_at),
            (Some(revision.id), farebox_base::Clock::now(&*here.clock))
        );
        here.skills.file(owner.party, mine.id, revision.id, "SKILL.md").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_two_parties_keep_alike_is_kept_for_each_and_takes_room_from_each() {
    engines::each(async |db| {
        let limits = SkillLimits { stored_bytes: 1_200, ..SkillLimits::default() };
        let here = process_with(&db, limits);
        let (one, two) = (here.author().await, here.author().await);
        let (ours, theirs) = (here.skill(one, "same").await, here.skill(two, "same").await);
        let same = |seed: u8| {
            let noise: Vec<u8> = (0..400_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 ^ seed).collect();
            vec![skill_md("same"), file("noise", &noise)]
        };
        let first = here.revise(one, &ours, same(0), true).await.summary.id;
        // The second party's room is its own: the first one's is nearly taken.
        assert!(here.skills.revision_create(one, ours.id, FIELD, same(1), true).await.is_err());
        let second = here.revise(two, &theirs, same(0), true).await.summary.id;
        assert!(here.skills.revision_create(two, theirs.id, FIELD, same(1), true).await.is_err());
        for (author, skill, revision) in [(one, ours.id, first), (two, theirs.id, second)] {
            let kept = here.skills.file(author.party, skill, revision, "noise").await.unwrap();
            assert_eq!(kept.content.len(), 400);
            here.skills.bundle(author.party, skill, revision).await.unwrap();
            let shown = here.skills.skill(author.party, skill).await.unwrap();
            assert_eq!(shown.published.map(|published| published.id), Some(revision));
        }
    })
    .await;
}

async fn nothing_through(
    skills: &Skills,
    author: Author,
    skill: farebox_base::SkillId,
    revision: farebox_base::SkillRevisionId,
) {
    not_found(skills.revision(author.party, skill, revision).await);
    not_found(skills.file(author.party, skill, revision, "SKILL.md").await);
    not_found(skills.bundle(author.party, skill, revision).await);
    not_found(skills.publish(author, skill, revision).await);
}

fn not_found<T>(result: Result<T>) {
    assert_eq!(result.err().map(|error| error.kind), Some(Kind::NotFound));
}
