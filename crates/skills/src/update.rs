//! Changing what is said about a skill, and archiving it.

use crate::list::skill_not_found;
use crate::row::{self, SKILLS};
use crate::{Author, Skill, SkillPatch, Skills, rules};
use farebox_base::{Result, SkillId};
use farebox_db::{Tx, Where, sql, tx};

impl Skills {
    /// Changes one of the author's party's skills.
    ///
    /// # Errors
    /// `Invalid`, naming the field; `NotFound`.
    pub async fn skill_update(&self, author: Author, id: SkillId, patch: &SkillPatch) -> Result<Skill> {
        let patch = SkillPatch {
            display_name: match &patch.display_name {
                Some(name) => Some(rules::display_name("display_name", name)?),
                None => None,
            },
            description: match &patch.description {
                Some(Some(text)) => Some(rules::description("description", text)?),
                Some(None) => Some(None),
                None => None,
            },
            status: patch.status,
        };
        tx!(self.db(), tx => { self.skill_update_in(tx, author, id, &patch).await })?;
        self.skill(author.party, id).await
    }

    async fn skill_update_in(&self, tx: &mut Tx, author: Author, id: SkillId, patch: &SkillPatch) -> Result<()> {
        let (id, party) = (id.to_string(), author.party.to_string());
        let mut wanted = Where::new(SKILLS);
        wanted.and("s.id = $1 AND s.party_id = $2", &[(&id).into(), (&party).into()]);
        let (statement, params) = wanted.finish("", &[]);
        let row = tx.query_built(&statement, &params).await?.pop().ok_or_else(skill_not_found)?;
        let mut skill = row::skill(&row)?;
        skill.display_name = patch.display_name.clone().unwrap_or(skill.display_name);
        skill.description = patch.description.clone().unwrap_or(skill.description);
        skill.status = patch.status.unwrap_or(skill.status);
        let search_text = rules::search_text(&skill.slug, &skill.display_name, skill.description.as_deref());
        tx.execute_one(
            sql!(
                "UPDATE skill SET display_name = $3, description = $4, search_text = $5, status = $6, updated_at = $7,
                   updated_by = $8
                 WHERE id = $1 AND party_id = $2"
            ),
            &[
                (&id).into(),
                (&party).into(),
                (&skill.display_name).into(),
                skill.description.as_ref().into(),
                (&search_text).into(),
                skill.status.text().into(),
                self.now().into(),
                author.user_text().as_ref().into(),
            ],
        )
        .await?;
        Ok(())
    }
}
