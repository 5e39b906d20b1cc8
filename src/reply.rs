//! Replies: every request gets exactly one answer.

use crate::Error;

type SendAnswer<T> = Box<dyn FnOnce(Result<T, Error>) + std::marker::Send>;

/// Answers a request once.
///
/// A reply that is dropped unanswered, because its thread panicked or ended, answers with [`Error::internal`]. So
/// nobody waits for ever.
pub struct Reply<T>(Option<SendAnswer<T>>);

impl<T> Reply<T> {
    /// A reply that passes its answer to `send`.
    pub fn new(send: impl FnOnce(Result<T, Error>) + std::marker::Send + 'static) -> Self {
        Self(Some(Box::new(send)))
    }

    /// Answers.
    pub fn send(mut self, answer: Result<T, Error>) {
        if let Some(send) = self.0.take() {
            send(answer);
        }
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        if let Some(send) = self.0.take() {
            send(Err(Error::internal("a thread of the store ended unexpectedly")));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_reply_that_is_dropped_still_answers() {
        let (answer, answers) = mpsc::channel();
        drop(Reply::<()>::new(move |result| answer.send(result).unwrap()));
        assert_eq!(answers.recv().unwrap().unwrap_err().code(), "ERR_INTERNAL");
    }
}
