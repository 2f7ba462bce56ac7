//! Making a skill with its first revision.

use crate::{Author, NewSkill, Package, Skill, SkillStatus, Skills, rules, store};
use farebox_base::{Error, Result, SkillId};
use farebox_db::{Tx, sql, tx};

/// The texts of a new skill, as they are stored.
struct Texts<'a> {
    slug: &'a str,
    display_name: String,
    description: Option<String>,
}

impl Skills {
    /// Makes a skill, active at once. `field` names the list of files in errors.
    ///
    /// # Errors
    /// `Invalid`, naming the field; `Conflict` (`slug_taken`, `too_many_skills`, `skill_storage_full`).
    pub async fn skill_create(&self, author: Author, field: &'static str, new: NewSkill) -> Result<Skill> {
        let texts = Texts {
            slug: rules::slug(&new.slug)?,
            display_name: rules::display_name("display_name", &new.display_name)?,
            description: new.description.map_or(Ok(None), |text| rules::description("description", &text))?,
        };
        let package = self.pack(field, new.files).await?;
        let id = tx!(self.db(), tx => { self.skill_create_in(tx, author, &texts, &package, new.publish).await })?;
        self.skill(author.party, id).await
    }

    async fn skill_create_in(
        &self,
        tx: &mut Tx,
        author: Author,
        texts: &Texts<'_>,
        package: &Package,
        publish: bool,
    ) -> Result<SkillId> {
        let id = SkillId::generate(self.clock(), self.rng());
        self.skill_insert_in(tx, author, id, texts).await?;
        store::skill_count_in(tx, author.party, self.limits()).await?;
        let revision = self.revision_add_in(tx, author, id, package).await?;
        if publish {
            self.publish_in(tx, author, id, revision).await?;
        }
        Ok(id)
    }

    async fn skill_insert_in(&self, tx: &mut Tx, author: Author, id: SkillId, texts: &Texts<'_>) -> Result<()> {
        let Texts { slug, display_name, description } = texts;
        let now = self.now();
        let inserted = tx
            .execute(
                sql!(
                    "INSERT INTO skill (id, party_id, slug, display_name, description, search_text, status,
                       latest_number, created_by, updated_by, created_at, updated_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $8, $9, $9)
                     ON CONFLICT (party_id, slug) DO NOTHING"
                ),
                &[
                    (&id.to_string()).into(),
                    (&author.party.to_string()).into(),
                    (*slug).into(),
                    display_name.into(),
                    description.as_ref().into(),
                    (&rules::search_text(slug, display_name, description.as_deref())).into(),
                    SkillStatus::Active.text().into(),
                    author.user_text().as_ref().into(),
                    now.into(),
                ],
            )
            .await?;
        match inserted {
            1 => Ok(()),
            _ => {
                Err(Error::conflict("slug_taken", format!("The slug {slug} is taken by another skill; choose another")))
            }
        }
    }
}
