//! The data folder, which holds a key and so is its owner's alone.

use std::path::Path;

/// Makes the folder, readable by nobody else; one that is there keeps its mode.
pub(super) fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
