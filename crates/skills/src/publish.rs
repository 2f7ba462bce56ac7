//! Publishing: which revision of a skill agents are to use.

use crate::read::summary_in;
use crate::revise::active_in;
use crate::row::ReadRevision;
use crate::{Author, Skill, Skills, list};
use farebox_base::{Result, SkillId, SkillRevisionId};
use farebox_db::{Tx, sql, tx};

impl Skills {
    /// Publishes a revision of one of the author's party's skills in place of the one that is. Any can be, an older one
    /// too; where it is published already, nothing changes.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` (`skill_archived`).
    pub async fn publish(&self, author: Author, skill: SkillId, revision: SkillRevisionId) -> Result<Skill> {
        tx!(self.db(), tx => { self.publish_and_read_in(tx, author, skill, revision).await })
    }

    async fn publish_and_read_in(
        &self,
        tx: &mut Tx,
        author: Author,
        skill: SkillId,
        revision: SkillRevisionId,
    ) -> Result<Skill> {
        self.publish_in(tx, author, skill, revision).await?;
        list::skill_in(tx, author.party, skill).await
    }

    pub(crate) async fn publish_in(
        &self,
        tx: &mut Tx,
        author: Author,
        skill: SkillId,
        revision: SkillRevisionId,
    ) -> Result<()> {
        active_in(tx, author, skill).await?;
        let ReadRevision { is_published, .. } = summary_in(tx, author.party, skill, revision).await?;
        if is_published {
            return Ok(());
        }
        let (party, skill, revision) = (author.party.to_string(), skill.to_string(), revision.to_string());
        let now = self.now();
        // Everyone who publishes writes the skill's row first, so that one of two comes second and sees the other.
        tx.execute_one(
            sql!("UPDATE skill SET updated_at = $3, updated_by = $4 WHERE id = $1 AND party_id = $2"),
            &[(&skill).into(), (&party).into(), now.into(), author.user_text().as_ref().into()],
        )
        .await?;
        tx.execute(
            sql!(
                "UPDATE skill_revision SET status = 'superseded'
                 WHERE skill_id = $1 AND party_id = $2 AND status = 'published'"
            ),
            &[(&skill).into(), (&party).into()],
        )
        .await?;
        tx.execute_one(
            sql!(
                "UPDATE skill_revision SET status = 'published', published_at = $4
                 WHERE id = $1 AND skill_id = $2 AND party_id = $3"
            ),
            &[(&revision).into(), (&skill).into(), (&party).into(), now.into()],
        )
        .await?;
        Ok(())
    }
}
