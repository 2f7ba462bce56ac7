//! Publishing: one revision at a time, also when several are published at once.

use crate::{process, skill_md};
use farebox_base::{Clock, Kind, SkillRevisionId};
use farebox_skills::RevisionStatus::{Draft, Published, Superseded};
use farebox_testkit::engines;

#[tokio::test]
async fn publishing_supersedes_the_one_before_and_an_older_one_can_come_back() {
    engines::each(async |db| {
        let here = process(&db);
        let author = here.author().await;
        let skill = here.skill(author, "x").await;
        let first = skill.latest.clone().unwrap();
        let second = here.revise(author, &skill, vec![skill_md("b")], true).await.summary;
        let third = here.revise(author, &skill, vec![skill_md("c")], false).await.summary;
        let statuses = async || {
            let all = here.skills.revisions(author.party, skill.id).await.unwrap();
            all.into_iter().map(|revision| revision.status).collect::<Vec<_>>()
        };
        assert_eq!(statuses().await, [Draft, Published, Draft]);
        let at = here.tick();
        let after = here.skills.publish(author, skill.id, third.id).await.unwrap();
        assert_eq!((after.published.as_ref().map(|r| r.id), after.updated_at), (Some(third.id), at));
        assert_eq!(after.published.unwrap().published_at, Some(at));
        assert_eq!(statuses().await, [Published, Superseded, Draft]);

        let at = here.tick();
        let back = here.skills.publish(author, skill.id, second.id).await.unwrap();
        assert_eq!((back.latest.unwrap().id, back.published.unwrap().published_at), (third.id, Some(at)));
        assert_eq!(statuses().await, [Superseded, Published, Draft]);

        here.tick();
        let same = here.skills.publish(author, skill.id, second.id).await.unwrap();
        assert_eq!((same.updated_at, same.published.unwrap().published_at), (at, Some(at)));
        here.skills.publish(author, skill.id, first.id).await.unwrap();
        assert_eq!(statuses().await, [Superseded, Superseded, Published]);
        let nothing = SkillRevisionId::from_uuid(skill.id.uuid());
        assert_eq!(here.skills.publish(author, skill.id, nothing).await.unwrap_err().kind, Kind::NotFound);
        assert!(here.clock.now() > at);
    })
    .await;
}

#[tokio::test]
async fn of_publishes_at_once_exactly_one_is_left() {
    engines::each(async |db| {
        let here = process(&db);
        let author = here.author().await;
        let skill = here.skill(author, "x").await;
        let mut revisions = Vec::new();
        for n in 0..6 {
            revisions.push(here.revise(author, &skill, vec![skill_md(&format!("n{n}"))], false).await.summary.id);
        }
        let publishing: Vec<_> = revisions
            .into_iter()
            .map(|revision| {
                let (skills, id) = (here.skills.clone(), skill.id);
                tokio::spawn(async move { skills.publish(author, id, revision).await.unwrap() })
            })
            .collect();
        for published in publishing {
            published.await.unwrap();
        }
        let all = here.skills.revisions(author.party, skill.id).await.unwrap();
        let count = |status| all.iter().filter(|revision| revision.status == status).count();
        assert_eq!((count(Published), count(Superseded), count(Draft)), (1, 5, 1));
    })
    .await;
}
