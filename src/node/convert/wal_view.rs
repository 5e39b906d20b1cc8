//! View of the WAL-index header for JavaScript: the shared memory itself, because a call for each read would cost
//! more than the read.

use std::ptr;

use napi::bindgen_prelude::{FromNapiValue, Unknown};
use napi::{Env, Error, Status, sys};

use crate::engine::sqlite::{WalIndex, WalIndexHeader};

/// A `Uint32Array` over the header; `None` where the runtime forbids external memory, as Electron does. (napi-rs's
/// own arrays would be copies there, which never change.)
pub fn share(env: Env, wal_index: WalIndex) -> napi::Result<Option<Unknown<'static>>> {
    let bytes = size_of::<WalIndexHeader>();
    let (mut buffer, mut array) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: the memory stays mapped while the store is open, and `lib/` does not touch the array after that. Nothing has
    // to be freed when the array is collected.
    let status = unsafe {
        sys::napi_create_external_arraybuffer(
            env.raw(),
            wal_index.address(),
            bytes,
            None,
            ptr::null_mut(),
            &raw mut buffer,
        )
    };
    if status == sys::Status::napi_no_external_buffers_allowed {
        return Ok(None);
    }
    check(status)?;
    // SAFETY: the buffer was created above, and holds as many words.
    check(unsafe {
        let kind = sys::TypedarrayType::uint32_array;
        sys::napi_create_typedarray(env.raw(), kind, WalIndexHeader::WORDS, buffer, 0, &raw mut array)
    })?;
    // SAFETY: the array was created above, in this environment.
    unsafe { Unknown::from_napi_value(env.raw(), array) }.map(Some)
}

fn check(status: sys::napi_status) -> napi::Result<()> {
    if status == sys::Status::napi_ok { Ok(()) } else { Err(Error::from_status(Status::from(status))) }
}
