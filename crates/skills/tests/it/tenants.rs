//! Ids of another party, or of another skill, find nothing.

use crate::{FIELD, process, skill_md};
use farebox_base::{Kind, Result};
use farebox_skills::{Author, SkillFilter, SkillPatch, Skills};
use farebox_testkit::engines;

#[tokio::test]
async fn nothing_of_a_skill_is_found_through_another_party_or_another_skill() {
    engines::each(async |db| {
        let here = process(&db);
        let (owner, other) = (here.author().await, here.author().await);
        let (mine, sibling, foreign) =
            (here.skill(owner, "a").await, here.skill(owner, "b").await, here.skill(other, "c").await);
        let revision = here.revise(owner, &mine, vec![skill_md("secret")], true).await.summary;

        let theirs = here.skills.skills(other.party, &SkillFilter::default()).await.unwrap();
        assert_eq!(theirs.iter().map(|skill| skill.id).collect::<Vec<_>>(), [foreign.id]);
        not_found(here.skills.skill(other.party, mine.id).await);
        not_found(here.skills.skill_update(other, mine.id, &SkillPatch::default()).await);
        not_found(here.skills.revisions(other.party, mine.id).await);
        not_found(here.skills.revision_create(other, mine.id, FIELD, vec![skill_md("x")], true).await);
        for (author, skill) in [(other, mine.id), (other, foreign.id), (owner, sibling.id), (owner, foreign.id)] {
            nothing_through(&here.skills, author, skill, revision.id).await;
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
