//! Publishing: which revision of a skill agents are to use.

use crate::list::skill_not_found;
use crate::read::revision_not_found;
use crate::revise::skill_archived;
use crate::row::skill_status;
use crate::{Author, RevisionStatus, Skill, SkillStatus, Skills};
use farebox_base::{Result, SkillId, SkillRevisionId};
use farebox_db::{Tx, sql, tx};

impl Skills {
    /// Publishes a revision of one of the author's party's skills in place of the one that is. Any can be, an older one
    /// too; where it is published already, nothing changes.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` (`skill_archived`).
    pub async fn publish(&self, author: Author, skill: SkillId, revision: SkillRevisionId) -> Result<Skill> {
        tx!(self.db(), tx => { self.publish_in(tx, author, skill, revision).await })?;
        self.skill(author.party, skill).await
    }

    pub(crate) async fn publish_in(
        &self,
        tx: &mut Tx,
        author: Author,
        skill: SkillId,
        revision: SkillRevisionId,
    ) -> Result<()> {
        let (party, skill, revision) = (author.party.to_string(), skill.to_string(), revision.to_string());
        let now = self.now();
        let row = tx
            .one(
                sql!(
                    "SELECT s.status, r.status FROM skill s LEFT JOIN skill_revision r
                       ON r.skill_id = s.id AND r.party_id = s.party_id AND r.id = $3
                     WHERE s.id = $1 AND s.party_id = $2"
                ),
                &[(&skill).into(), (&party).into(), (&revision).into()],
            )
            .await?
            .ok_or_else(skill_not_found)?;
        let status: &str = row.get::<Option<&str>>(1)?.ok_or_else(revision_not_found)?;
        if skill_status(&row, 0)? == SkillStatus::Archived {
            return Err(skill_archived());
        }
        if status == RevisionStatus::Published.text() {
            return Ok(());
        }
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
