//! A streamed response body: the next chunk is made only once the previous one was handed over, so that one
//! chunk is in memory, however long the body is.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_web::{
    body::{BodySize, MessageBody},
    web::Bytes,
};

use crate::app::Result;

/// Why a response was aborted.
type Failed = Box<dyn std::error::Error>;

type Making<T> = Pin<Box<dyn Future<Output = (T, Result<Option<Vec<u8>>>)>>>;

/// A body of the chunks that `next` makes from `source`, until it returns `None`. An error aborts the response,
/// so that a partial body is not taken for a complete one.
pub fn streamed<T, F>(
    source: T,
    next: impl Fn(T) -> F + Unpin + 'static,
) -> impl MessageBody<Error = Failed> + 'static
where
    T: Unpin + 'static,
    F: Future<Output = (T, Result<Option<Vec<u8>>>)> + 'static,
{
    let making: Making<T> = Box::pin(next(source));
    Streamed { making: Some(making), next: move |source| -> Making<T> { Box::pin(next(source)) } }
}

struct Streamed<T, N> {
    making: Option<Making<T>>,
    next: N,
}

impl<T: Unpin, N: Fn(T) -> Making<T> + Unpin> MessageBody for Streamed<T, N> {
    type Error = Failed;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        loop {
            let Some(making) = &mut self.making else { return Poll::Ready(None) };
            let (source, piece) = ready!(making.as_mut().poll(context));
            self.making = None;
            match piece {
                Ok(None) => return Poll::Ready(None),
                Ok(Some(bytes)) => {
                    self.making = Some((self.next)(source));
                    // An empty chunk would end the response.
                    if !bytes.is_empty() {
                        return Poll::Ready(Some(Ok(bytes.into())));
                    }
                }
                Err(error) => {
                    crate::pages::error::record(&error);
                    return Poll::Ready(Some(Err(error.into())));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;
    use crate::app::Error;

    async fn counted(to: u8, failing: bool) -> std::result::Result<Bytes, Failed> {
        let body = streamed(0_u8, move |at| async move {
            let piece = match at {
                at if at < to => Ok(Some(if at == 1 { Vec::new() } else { vec![b'0' + at] })),
                _ if failing => Err(Error::internal("the database went away")),
                _ => Ok(None),
            };
            (at + 1, piece)
        });
        to_bytes(body).await
    }

    #[actix_web::test]
    async fn pieces_come_in_order_and_a_failure_breaks_off() {
        assert_eq!(counted(5, false).await.unwrap(), "0234");
        assert_eq!(counted(0, false).await.unwrap(), "");
        assert!(counted(3, true).await.is_err());
    }
}
