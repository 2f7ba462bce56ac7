//! Skills with their newest and published revisions, one or many.

use crate::row::{self, REVISIONS, ReadRevision, SKILLS};
use crate::{RevisionSummary, Skill, SkillFilter, SkillStatus, Skills};
use farebox_base::{Error, PartyId, Result, SkillId};
use farebox_db::{Param, Where};
use std::collections::HashMap;

const LONGEST_SEARCH_CHARS: usize = 500;

impl Skills {
    /// The party's skills that the filter wants, newest first; as many as there are, which the limits bound.
    ///
    /// # Errors
    /// `Invalid` for `q`; those of the database.
    pub async fn skills(&self, party: PartyId, filter: &SkillFilter) -> Result<Vec<Skill>> {
        let text = filter.text.as_deref().map(str::trim).filter(|text| !text.is_empty());
        if text.is_some_and(|text| text.chars().count() > LONGEST_SEARCH_CHARS) {
            return Err(Error::invalid("q", format!("must not be longer than {LONGEST_SEARCH_CHARS} characters")));
        }
        if text.is_some_and(|text| text.contains('\0')) {
            return Ok(Vec::new());
        }
        let (party_text, pattern) = (party.to_string(), text.map(contains_pattern));
        let status = (!filter.include_archived).then_some(SkillStatus::Active.text());
        let mut wanted = Where::new(SKILLS);
        wanted
            .and("s.party_id = $1", &[(&party_text).into()])
            .and_some("s.status = $1", status)
            .and_some(r"s.search_text LIKE $1 ESCAPE '\'", pattern.as_deref());
        self.read(party, wanted).await
    }

    /// One of the party's skills.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn skill(&self, party: PartyId, id: SkillId) -> Result<Skill> {
        let (party_text, id) = (party.to_string(), id.to_string());
        let mut wanted = Where::new(SKILLS);
        wanted.and("s.party_id = $1 AND s.id = $2", &[(&party_text).into(), (&id).into()]);
        self.read(party, wanted).await?.pop().ok_or_else(skill_not_found)
    }

    /// All revisions of one of the party's skills, newest first.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn revisions(&self, party: PartyId, skill: SkillId) -> Result<Vec<RevisionSummary>> {
        let (party, id) = (party.to_string(), skill.to_string());
        let mut wanted = Where::new(REVISIONS);
        wanted.and("r.party_id = $1 AND r.skill_id = $2", &[(&party).into(), (&id).into()]);
        let (statement, params) = wanted.finish("ORDER BY r.number DESC", &[]);
        let rows = self.db().query_built(&statement, &params).await?;
        if rows.is_empty() {
            return Err(skill_not_found());
        }
        rows.iter().map(|row| row::revision(row).map(|read| read.summary)).collect()
    }

    async fn read(&self, party: PartyId, wanted: Where<'_>) -> Result<Vec<Skill>> {
        let (statement, params) = wanted.finish("ORDER BY s.created_at DESC, s.id DESC", &[]);
        let rows = self.db().query_built(&statement, &params).await?;
        let mut skills = rows.iter().map(row::skill).collect::<Result<Vec<_>>>()?;
        let mut shown: HashMap<SkillId, Vec<ReadRevision>> = HashMap::new();
        for revision in self.shown_revisions(party, &skills).await? {
            shown.entry(revision.summary.skill_id).or_default().push(revision);
        }
        for skill in &mut skills {
            for revision in shown.remove(&skill.id).unwrap_or_default() {
                if revision.is_published {
                    skill.published = Some(revision.summary.clone());
                }
                if revision.is_latest {
                    skill.latest = Some(revision.summary);
                }
            }
        }
        Ok(skills)
    }

    /// The newest and the published revisions of skills.
    async fn shown_revisions(&self, party: PartyId, skills: &[Skill]) -> Result<Vec<ReadRevision>> {
        let party = party.to_string();
        let ids: Vec<String> = skills.iter().map(|skill| skill.id.to_string()).collect();
        let ids: Vec<Param<'_>> = ids.iter().map(Into::into).collect();
        let mut wanted = Where::new(REVISIONS);
        wanted
            .and("r.party_id = $1", &[(&party).into()])
            .and("r.number = s.latest_number OR r.status = 'published'", &[])
            .and_in("r.skill_id", &ids);
        let (statement, params) = wanted.finish("", &[]);
        let rows = self.db().query_built(&statement, &params).await?;
        rows.iter().map(row::revision).collect()
    }
}

pub(crate) fn skill_not_found() -> Error {
    Error::not_found("Custom skill")
}

/// The LIKE pattern for texts that contain this one, in lower case, with its wildcards escaped.
fn contains_pattern(text: &str) -> String {
    let lower = text.to_lowercase();
    let escaped = lower.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    use super::contains_pattern;

    #[test]
    fn wildcards_in_a_search_mean_themselves() {
        assert_eq!(contains_pattern(r"50%_Off\"), r"%50\%\_off\\%");
    }
}
