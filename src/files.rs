//! What a file system can do that the standard library does not tell.

use std::io;
use std::path::Path;

/// Exchanges two files or directories of one file system in one step: at no moment is either place
/// empty, and a process that is killed has exchanged both or neither.
///
/// # Errors
/// [`io::ErrorKind::Unsupported`] on a system that cannot (Windows); what the system says, if the
/// file system cannot (NFS), or one of the two is a mount point or lies in the other.
pub fn exchange(first: &Path, second: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        Ok(renameat_with(
            CWD,
            first,
            CWD,
            second,
            RenameFlags::EXCHANGE,
        )?)
    }
    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    {
        let _ = (first, second);
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn two_directories_change_places() {
        let room = tempfile::tempdir().unwrap();
        let (a, b) = (room.path().join("a"), room.path().join("b"));
        for (path, name) in [(&a, "old"), (&b, "new")] {
            fs::create_dir(path).unwrap();
            fs::write(path.join(name), name).unwrap();
        }
        match exchange(&a, &b) {
            Ok(()) => {
                assert!(a.join("new").exists() && !a.join("old").exists());
                assert!(b.join("old").exists() && !b.join("new").exists());
            }
            // The file system of temporary files cannot: then nothing has changed.
            Err(_) => assert!(a.join("old").exists() && b.join("new").exists()),
        }
        assert!(exchange(&a, &room.path().join("none")).is_err());
        assert!(exchange(&a, &a.join("old")).is_err());
    }
}
