//! State of the destination, read before a file is opened.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use crate::backup::catalog::files::BackupFile;
use crate::backup::destination::Destination;
use crate::backup::local::state_file::Position;
use crate::backup::publish::reconcile::{ChainPosition, chain_position};
use crate::limits::{OPENING_ANSWER_WAIT, OPENING_LISTING_WAIT};
use crate::{Error, threads};

/// State of a destination.
pub struct DestinationState {
    /// Its backups.
    pub files: Vec<BackupFile>,
    /// Position of the database in their chain.
    pub chain: ChainPosition,
}

enum Progress {
    Answered,
    Done(Result<DestinationState, Error>),
}

/// Reads the state of a destination. `position` is the last capture that is to be found there.
///
/// # Errors
///
/// `ERR_BACKUP_DESTINATION`.
pub fn read_destination(
    destination: &dyn Destination,
    position: Option<Position>,
) -> Result<DestinationState, Error> {
    read_in_parts(destination, position, &mut || {})
}

/// [`read_destination`] with a limit on the time that an object store may take: `None` if it does not answer. The thread
/// that asks it goes on, to no effect.
pub fn read_if_it_answers(
    destination: &Arc<dyn Destination>,
    position: Option<Position>,
) -> Option<Result<DestinationState, Error>> {
    if destination.root().is_some() {
        return Some(read_destination(&**destination, position));
    }
    let (sender, receiver) = mpsc::channel();
    let shared = Arc::clone(destination);
    let reading = threads::spawn("first-listing", move || {
        // The receiver may be gone.
        let found = read_in_parts(&*shared, position, &mut || drop(sender.send(Progress::Answered)));
        drop(sender.send(Progress::Done(found)));
    });
    match reading {
        Ok(_) => wait(&receiver),
        Err(error) => Some(Err(error)),
    }
}

/// Waits as long as answers come, up to a limit.
fn wait(receiver: &Receiver<Progress>) -> Option<Result<DestinationState, Error>> {
    let deadline = Instant::now() + OPENING_LISTING_WAIT;
    loop {
        let left: Duration = deadline.saturating_duration_since(Instant::now());
        match receiver.recv_timeout(OPENING_ANSWER_WAIT.min(left)) {
            Ok(Progress::Answered) => {}
            Ok(Progress::Done(found)) => return Some(found),
            Err(_) => return None,
        }
    }
}

fn read_in_parts(
    destination: &dyn Destination,
    position: Option<Position>,
    answered: &mut dyn FnMut(),
) -> Result<DestinationState, Error> {
    let files = destination.list_in_parts(answered)?;
    let chain = position.map_or(ChainPosition::Unknown, |position| chain_position(destination, &files, &position));
    Ok(DestinationState { files, chain })
}
