//! Requests that run on a thread of Node's pool.

use std::path::PathBuf;
use std::sync::Arc;

use napi::bindgen_prelude::{AsyncTask, ToNapiValue, TypeName};
use napi::{Env, Task};

use crate::Error;
use crate::backup::destination::{Destination, parse};
use crate::backup::destination_of;

type AskWork<A> = Box<dyn FnOnce() -> Result<A, Error> + Send>;

/// A request whose answer can also be an error.
pub struct Ask<A> {
    work: Option<AskWork<A>>,
}

impl<A> Task for Ask<A>
where
    A: ToNapiValue + TypeName + Send + 'static + for<'a> From<&'a Error>,
{
    type Output = A;
    type JsValue = A;

    fn compute(&mut self) -> napi::Result<A> {
        let work = self.work.take().ok_or_else(|| napi::Error::from_reason("asked twice"))?;
        Ok(work().unwrap_or_else(|error| A::from(&error)))
    }

    fn resolve(&mut self, _env: Env, answer: A) -> napi::Result<A> {
        Ok(answer)
    }
}

/// A request that asks no destination.
pub fn asked<A>(work: impl FnOnce() -> Result<A, Error> + Send + 'static) -> AsyncTask<Ask<A>>
where
    Ask<A>: Task,
{
    AsyncTask::new(Ask { work: Some(Box::new(work)) })
}

/// Asks the destination at `url`; or the one of `store`, a file, if the file is open in this process.
pub fn ask<A>(
    url: &str,
    store: Option<String>,
    work: impl FnOnce(&dyn Destination) -> Result<A, Error> + Send + 'static,
) -> AsyncTask<Ask<A>>
where
    Ask<A>: Task,
{
    // On this thread, because it reads the environment, which JavaScript may change while another thread reads it.
    let destination: Result<Arc<dyn Destination>, Error> =
        match store.and_then(|path| destination_of(&PathBuf::from(path))) {
            Some(destination) => Ok(destination),
            None => parse(url),
        };
    asked(move || work(&*destination?))
}
