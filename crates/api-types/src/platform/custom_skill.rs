//! Skills of an organisation: instructions for agents with their files, in revisions.

use crate::{Patch, Time, wire_enum::wire_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// The characters that every system takes in paths.
const PATH_PATTERN: &str = r"^[- !#$%&'()+,./0-9=@A-Z\[\]^_`a-z{}~]+$";
/// A media type, or nothing.
const CONTENT_TYPE_PATTERN: &str = "^([-!#$&^_.+A-Za-z0-9]+/[-!#$&^_.+A-Za-z0-9]+ *(;[ -~]*)?)?$";

wire_enum! {
    /// Whether a skill is in use; an archived one takes no revisions and is listed only on demand.
    OrganizationCustomSkillStatus { Active = "active", Archived = "archived" }
}

wire_enum! {
    /// Where a revision stands: never published, the one to use, published before another one, or of an archived skill.
    OrganizationCustomSkillRevisionStatus {
        Draft = "draft",
        Published = "published",
        Superseded = "superseded",
        Archived = "archived",
    }
}

/// Narrows the list of skills.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListCustomSkillsQuery {
    /// Part of slug, display name or description, whatever the case; at most 500 characters.
    #[schemars(length(max = 500), example = &"pdf")]
    pub q: Option<String>,
    /// Whether archived skills are listed too.
    #[serde(default)]
    pub include_archived: bool,
}

/// Names a file of a revision.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CustomSkillFileQuery {
    /// The file's `relative_path`, exactly.
    #[schemars(length(min = 1, max = 240), extend("pattern" = PATH_PATTERN), example = &"SKILL.md")]
    pub path: String,
}

/// Tells which bundle the caller has already.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct BundleConditions {
    /// The `ETag` of an earlier reply; the same bundle is then answered with 304.
    #[serde(rename = "if-none-match")]
    pub if_none_match: Option<String>,
}

/// Makes a skill with its first revision.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CreateOrganizationCustomSkillRequest {
    /// 1 to 64 lower-case letters, digits and single hyphens between them; unique in the organization, for good.
    #[schemars(length(max = 64), regex(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$"), example = &"pdf-forms")]
    pub slug: String,
    /// 1 to 200 characters.
    #[schemars(length(min = 1, max = 200), example = &"PDF forms")]
    pub display_name: String,
    /// At most 4,000 characters.
    #[schemars(length(max = 4000), example = &"Fills in PDF forms and checks what was filled in.")]
    pub description: Option<String>,
    pub initial_revision: CreateOrganizationCustomSkillRevisionRequest,
}

/// Changes what is said about a skill.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct UpdateOrganizationCustomSkillRequest {
    /// 1 to 200 characters; left out or `null` it stays.
    #[schemars(length(min = 1, max = 200), example = &"PDF forms")]
    pub display_name: Option<String>,
    /// Left out it stays, `null` clears it.
    #[schemars(example = &"Fills in PDF forms.")]
    pub description: Patch<String>,
    /// Left out or `null` it stays.
    pub status: Option<OrganizationCustomSkillStatus>,
}

/// Adds a revision; what it holds never changes again.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CreateOrganizationCustomSkillRevisionRequest {
    /// At most 256 files of 4 MiB each and 8 MiB together; one of them is `SKILL.md`, in no folder.
    #[schemars(length(min = 1, max = 256))]
    pub files: Vec<OrganizationCustomSkillFileInput>,
    /// Whether it takes the place of the published revision at once; otherwise it is a draft.
    #[serde(default)]
    pub publish: bool,
}

/// A file to keep.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct OrganizationCustomSkillFileInput {
    /// Folders are separated by slashes; portable ASCII, at most 240 characters, never absolute or with `..`.
    #[schemars(length(min = 1, max = 240), extend("pattern" = PATH_PATTERN), example = &"SKILL.md")]
    pub relative_path: String,
    /// The content in base64, in the standard alphabet.
    #[schemars(extend("contentEncoding" = "base64"), example = &"LS0tCm5hbWU6IHBkZi1mb3JtcwpkZXNjcmlwdGlvbjogRmlsbHMgaW4gUERGIGZvcm1zLgotLS0KIyBQREYgZm9ybXMK")]
    pub content_base64: String,
    /// A media type; missing means that the path's ending tells.
    #[schemars(length(max = 127), extend("pattern" = CONTENT_TYPE_PATTERN), example = &"text/markdown")]
    pub content_type: Option<String>,
}

/// A skill with its newest and its published revision.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OrganizationCustomSkill {
    pub id: Uuid,
    pub organization_id: Uuid,
    #[schemars(example = &"pdf-forms")]
    pub slug: String,
    #[schemars(example = &"PDF forms")]
    pub display_name: String,
    pub description: Option<String>,
    pub status: OrganizationCustomSkillStatus,
    pub latest_revision_id: Option<Uuid>,
    pub latest_revision: Option<OrganizationCustomSkillRevisionSummary>,
    pub published_revision_id: Option<Uuid>,
    pub published_revision: Option<OrganizationCustomSkillRevisionSummary>,
    pub created_by_user_id: Option<Uuid>,
    pub updated_by_user_id: Option<Uuid>,
    pub created_at: Time,
    pub updated_at: Time,
}

/// A revision without its contents.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OrganizationCustomSkillRevisionSummary {
    pub id: Uuid,
    pub organization_custom_skill_id: Uuid,
    pub organization_id: Uuid,
    /// From 1 on, in the order in which revisions were added.
    pub revision_number: i64,
    pub status: OrganizationCustomSkillRevisionStatus,
    /// The `title` or else the `name` of the frontmatter.
    pub title: Option<String>,
    /// The `description` of the frontmatter.
    pub description: Option<String>,
    /// Of the bundle as it is downloaded, in lower-case hex.
    pub bundle_sha256: String,
    pub bundle_size_bytes: i64,
    /// Null: bundles lie in the database, not in a store of objects.
    pub bundle_artifact_key: Option<String>,
    pub file_count: i64,
    pub created_by_user_id: Option<Uuid>,
    pub created_at: Time,
    /// When it was last published.
    pub published_at: Option<Time>,
}

/// A revision with its `SKILL.md` and the list of its files.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OrganizationCustomSkillRevision {
    pub id: Uuid,
    pub organization_custom_skill_id: Uuid,
    pub organization_id: Uuid,
    /// From 1 on, in the order in which revisions were added.
    pub revision_number: i64,
    pub status: OrganizationCustomSkillRevisionStatus,
    /// The `title` or else the `name` of the frontmatter.
    pub title: Option<String>,
    /// The `description` of the frontmatter.
    pub description: Option<String>,
    /// The whole text, its frontmatter included.
    pub skill_md: String,
    pub skill_md_sha256: String,
    /// What `SKILL.md` begins with between two lines `---`, as JSON; an empty object where it has none.
    pub frontmatter: Value,
    /// What the bundle holds: `entry`, `total_size_bytes` and for each of the `files` its `path`, `sha256`,
    /// `size_bytes` and `content_type`.
    pub manifest: Value,
    /// Of the bundle as it is downloaded, in lower-case hex.
    pub bundle_sha256: String,
    pub bundle_size_bytes: i64,
    /// Null: bundles lie in the database, not in a store of objects.
    pub bundle_artifact_key: Option<String>,
    /// In the order of their paths.
    pub files: Vec<OrganizationCustomSkillFileMetadata>,
    pub created_by_user_id: Option<Uuid>,
    pub created_at: Time,
    /// When it was last published.
    pub published_at: Option<Time>,
}

/// A file without its content.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OrganizationCustomSkillFileMetadata {
    pub id: Uuid,
    pub revision_id: Uuid,
    #[schemars(example = &"scripts/fill.py")]
    pub relative_path: String,
    #[schemars(example = &"text/x-python")]
    pub content_type: String,
    pub size_bytes: i64,
    /// Of the content, in lower-case hex.
    pub sha256: String,
    /// Whether the content is UTF-8 without control characters.
    pub is_text: bool,
    pub created_at: Time,
}

/// A file with its content.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OrganizationCustomSkillFileContent {
    pub revision_id: Uuid,
    #[schemars(example = &"scripts/fill.py")]
    pub relative_path: String,
    #[schemars(example = &"text/x-python")]
    pub content_type: String,
    pub size_bytes: i64,
    /// Of the content, in lower-case hex.
    pub sha256: String,
    /// The content in base64, in the standard alphabet with padding.
    pub content_base64: String,
    /// Whether the content is UTF-8 without control characters.
    pub is_text: bool,
}
