//! Look at the destination before a file is opened.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use crate::backup::catalog::files::BackupFile;
use crate::backup::destination::Destination;
use crate::backup::local::state_file::Position;
use crate::backup::publish::reconcile::{ChainPosition, chain_position};
use crate::limits::{OPENING_ANSWER_WAIT, OPENING_LOOK_WAIT};
use crate::{Error, threads};

/// State of a destination.
pub struct Look {
    /// Its backups.
    pub files: Vec<BackupFile>,
    /// Position of the database in their chain.
    pub standing: ChainPosition,
}

enum News {
    Answered,
    Looked(Result<Look, Error>),
}

/// Looks at a destination. `position` is the last capture that is to be found there.
///
/// # Errors
///
/// `ERR_BACKUP_DESTINATION`.
pub fn look(destination: &dyn Destination, position: Option<Position>) -> Result<Look, Error> {
    look_telling(destination, position, &mut || {})
}

/// [`look`] that gives up if an object store does not answer: `None` then. It goes on behind, to no effect.
pub fn look_soon(destination: &Arc<dyn Destination>, position: Option<Position>) -> Option<Result<Look, Error>> {
    if destination.root().is_some() {
        return Some(look(&**destination, position));
    }
    let (told, tells) = mpsc::channel();
    let shared = Arc::clone(destination);
    let looks = threads::spawn("look", move || {
        // The receiver may be gone.
        let looked = look_telling(&*shared, position, &mut || drop(told.send(News::Answered)));
        drop(told.send(News::Looked(looked)));
    });
    match looks {
        Ok(_) => wait(&tells),
        Err(error) => Some(Err(error)),
    }
}

/// Waits as long as answers come, up to a limit.
fn wait(tells: &Receiver<News>) -> Option<Result<Look, Error>> {
    let deadline = Instant::now() + OPENING_LOOK_WAIT;
    loop {
        let left: Duration = deadline.saturating_duration_since(Instant::now());
        match tells.recv_timeout(OPENING_ANSWER_WAIT.min(left)) {
            Ok(News::Answered) => {}
            Ok(News::Looked(looked)) => return Some(looked),
            Err(_) => return None,
        }
    }
}

fn look_telling(
    destination: &dyn Destination,
    position: Option<Position>,
    answered: &mut dyn FnMut(),
) -> Result<Look, Error> {
    let files = destination.list_in_parts(answered)?;
    let standing =
        position.map_or(ChainPosition::Unknown, |position| chain_position(destination, &files, &position));
    Ok(Look { files, standing })
}
