//! Removal of a file that is open.

use std::fs::File;
use std::io;

/// Returns true if a file was removed since it was opened.
#[cfg(unix)]
pub fn is_deleted(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(file.metadata()?.nlink() == 0)
}

/// Returns true if a file was removed since it was opened, or is about to be.
#[cfg(windows)]
pub fn is_deleted(file: &File) -> io::Result<bool> {
    use std::os::windows::io::AsRawHandle;

    /// `FILE_STANDARD_INFO` (winbase.h).
    #[repr(C)]
    #[derive(Default)]
    struct StandardInfo {
        allocation_bytes: i64,
        bytes: i64,
        links: u32,
        is_delete_pending: u8,
        is_folder: u8,
    }
    /// `FileStandardInfo` (minwinbase.h).
    const STANDARD_INFO: i32 = 1;
    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GetFileInformationByHandleEx(
            file: std::os::windows::io::RawHandle,
            class: i32,
            info: *mut StandardInfo,
            bytes: u32,
        ) -> i32;
    }
    let mut info = StandardInfo::default();
    let bytes = u32::try_from(size_of::<StandardInfo>()).unwrap_or(u32::MAX);
    // SAFETY: the file is open, and there is room for what is asked for.
    let done = unsafe { GetFileInformationByHandleEx(file.as_raw_handle(), STANDARD_INFO, &raw mut info, bytes) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(info.links == 0 || info.is_delete_pending != 0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_removed_is_deleted_also_where_another_file_has_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let file = File::create(&path).unwrap();
        assert!(!is_deleted(&file).unwrap());
        std::fs::remove_file(&path).unwrap();
        match File::create_new(&path) {
            Ok(other) => assert!(is_deleted(&file).unwrap() && !is_deleted(&other).unwrap()),
            // Nobody else has the name before the removed file is closed: so Wine does it, and Windows on some file systems.
            Err(_) if cfg!(windows) => {
                drop(file);
                assert!(File::create_new(&path).is_ok());
            }
            Err(error) => panic!("{error}"),
        }
    }
}
