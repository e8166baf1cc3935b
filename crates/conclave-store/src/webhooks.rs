//! Where webhooks stand, and what waits for them beside the stored events.

use async_trait::async_trait;
use conclave_core::{
    Fence, LeaseName, LogPage, LogPart, NewQueued, Queued, QueuedKind, WebhookFault, WebhookName,
    WebhookPlace, WebhookStore,
};
use conclave_protocol::{Timestamp, UserId};

use crate::error::Fault;
use crate::sql::{self, Connection};
use crate::{Store, StoreError, column, leases, statement};

#[async_trait]
impl WebhookStore for Store {
    async fn open(&self, webhooks: &[WebhookName]) -> Result<(), WebhookFault> {
        let webhooks = webhooks.to_vec();
        let opened = self
            .writer()
            .write(async move |connection| open(connection, &webhooks).await);
        Ok(opened.await?)
    }

    async fn standing(&self, webhook: &WebhookName) -> Result<WebhookPlace, WebhookFault> {
        let webhook = webhook.clone();
        let place = self.writer().write(async move |connection| {
            add(connection, &webhook).await?;
            place(connection, &webhook).await
        });
        Ok(place.await?)
    }

    async fn log(&self, after: u64, part: LogPart, limit: u32) -> Result<LogPage, WebhookFault> {
        Ok(self
            .logged(after, part, limit)
            .await
            .map_err(Fault::Store)?)
    }

    async fn recipients(&self, number: u64) -> Result<Vec<UserId>, WebhookFault> {
        Ok(self.waiting(number).await.map_err(Fault::Store)?)
    }

    async fn push(
        &self,
        items: &[NewQueued],
        looked: Option<(u64, Fence)>,
    ) -> Result<(), WebhookFault> {
        if items.is_empty() && looked.is_none() {
            return Ok(());
        }
        let items = items.to_vec();
        let pushed = self.writer().write(async move |connection| {
            if let Some((_, fence)) = looked {
                leases::check(connection, LeaseName::WEBHOOKS, fence).await?;
            }
            for item in &items {
                let row = sql::query(statement::WEBHOOK_QUEUE_ADD)
                    .bind(item.webhook.as_str())
                    .bind(item.kind.name())
                    .bind(column::integer(item.number))
                    .bind(column::millis(item.at))
                    .bind(&*item.data);
                row.execute(connection).await?;
            }
            if let Some((number, _)) = looked {
                let lookout = WebhookName::lookout();
                let row = sql::query(statement::WEBHOOK_EXPIRED)
                    .bind(lookout.as_str())
                    .bind(column::integer(number));
                row.execute(connection).await?;
            }
            Ok(())
        });
        Ok(pushed.await?)
    }

    async fn queued(&self, webhook: &WebhookName, limit: u32) -> Result<Vec<Queued>, WebhookFault> {
        let queued = async {
            let mut view = self.view().await?;
            queued(&mut view, webhook, limit).await
        };
        Ok(queued.await?)
    }

    async fn done(
        &self,
        webhook: &WebhookName,
        (number, queued): (u64, u64),
        fence: Fence,
    ) -> Result<(), WebhookFault> {
        let webhook = webhook.clone();
        let done = self.writer().write(async move |connection| {
            leases::check(connection, LeaseName::WEBHOOKS, fence).await?;
            let row = sql::query(statement::WEBHOOK_DONE)
                .bind(webhook.as_str())
                .bind(column::integer(number));
            row.execute(connection).await?;
            if queued > 0 {
                let row = sql::query(statement::WEBHOOK_QUEUE_DONE)
                    .bind(webhook.as_str())
                    .bind(column::integer(queued));
                row.execute(connection).await?;
            }
            Ok(())
        });
        Ok(done.await?)
    }

    async fn failing(
        &self,
        webhook: &WebhookName,
        since: Timestamp,
        fence: Fence,
    ) -> Result<(), WebhookFault> {
        let webhook = webhook.clone();
        let failing = self.writer().write(async move |connection| {
            leases::check(connection, LeaseName::WEBHOOKS, fence).await?;
            let row = sql::query(statement::WEBHOOK_FAILING)
                .bind(webhook.as_str())
                .bind(column::millis(since));
            row.execute(connection).await?;
            Ok(())
        });
        Ok(failing.await?)
    }

    async fn expire(
        &self,
        webhook: &WebhookName,
        part: LogPart,
        before: Timestamp,
        fence: Fence,
    ) -> Result<(u64, WebhookPlace), WebhookFault> {
        Ok(expire(self, webhook, (part, before), fence).await?)
    }

    async fn backlog(
        &self,
        webhook: &WebhookName,
        part: LogPart,
        number: u64,
    ) -> Result<u64, WebhookFault> {
        let waiting = async {
            let mut view = self.view().await?;
            let newest = Self::newest(&mut view).await?;
            let logged = count(&mut view, part, (column::integer(number), newest)).await?;
            let queued = sql::query_scalar(statement::WEBHOOK_QUEUE_COUNT).bind(webhook.as_str());
            let queued: i64 = queued.fetch_one(&mut view).await?;
            Ok(column::count(logged + queued)?)
        };
        let waiting: Result<u64, Fault> = waiting.await;
        Ok(waiting?)
    }
}

async fn open(connection: &mut Connection, webhooks: &[WebhookName]) -> Result<(), Fault> {
    // The lookout's name is the least.
    let mut name = WebhookName::lookout().as_str().to_owned();
    loop {
        if !webhooks.iter().any(|webhook| webhook.as_str() == name) {
            let row = sql::query(statement::WEBHOOK_DELETE).bind(&name);
            row.execute(connection).await?;
        }
        let next = sql::query_scalar(statement::WEBHOOK_NEXT).bind(&name);
        match next.fetch_optional(connection).await? {
            Some(next) => name = next,
            None => break,
        }
    }
    for webhook in webhooks {
        add(connection, webhook).await?;
    }
    Ok(())
}

/// Begins at the newest event, unless it is known.
async fn add(connection: &mut Connection, webhook: &WebhookName) -> Result<(), Fault> {
    let newest = Store::newest(connection).await?;
    let row = sql::query(statement::WEBHOOK_ADD)
        .bind(webhook.as_str())
        .bind(newest);
    row.execute(connection).await?;
    Ok(())
}

async fn place(connection: &mut Connection, webhook: &WebhookName) -> Result<WebhookPlace, Fault> {
    let row = sql::query_as(statement::WEBHOOK_FIND).bind(webhook.as_str());
    let row: Option<(i64, Option<i64>)> = row.fetch_optional(connection).await?;
    let (number, failing_since) = row.unwrap_or_default();
    Ok(WebhookPlace {
        number: column::count(number)?,
        failing_since: failing_since.map(column::timestamp).transpose()?,
    })
}

#[derive(sqlx::FromRow)]
struct QueuedRow {
    id: i64,
    kind: String,
    number: i64,
    at: i64,
    data: String,
}

async fn queued(
    view: &mut Connection,
    webhook: &WebhookName,
    limit: u32,
) -> Result<Vec<Queued>, Fault> {
    let rows = sql::query_as(statement::WEBHOOK_QUEUE_LIST)
        .bind(webhook.as_str())
        .bind(i64::from(limit));
    let rows: Vec<QueuedRow> = rows.fetch_all(view).await?;
    let mut queued: Vec<Queued> = Vec::with_capacity(rows.len());
    for row in rows {
        let number = column::count(row.number)?;
        // The recipients of one message stand together.
        let event = match queued.last() {
            _ if number == 0 => None,
            Some(last) if last.number == number => last.event.clone(),
            Some(_) | None => Store::event_numbered(view, row.number).await?,
        };
        queued.push(Queued {
            id: column::count(row.id)?,
            kind: QueuedKind::parse(&row.kind).ok_or(StoreError::Value("kind of an entry"))?,
            number,
            at: column::timestamp(row.at)?,
            data: row.data,
            event,
        });
    }
    Ok(queued)
}

/// What is old stands in front: events and entries come in the order of their times, nearly.
async fn expire(
    store: &Store,
    webhook: &WebhookName,
    (part, before): (LogPart, Timestamp),
    fence: Fence,
) -> Result<(u64, WebhookPlace), Fault> {
    let mut view = store.view().await?;
    let from = column::integer(place(&mut view, webhook).await?.number);
    let first = sql::query_scalar(statement::WEBHOOK_LOG_FIRST_SINCE)
        .bind(from)
        .bind(column::millis(before));
    let first: Option<i64> = first.fetch_optional(&mut view).await?;
    let last_old = match first {
        Some(first) => first - 1,
        None => Store::newest(&mut view).await?,
    };
    let mut gone = column::count(count(&mut view, part, (from, last_old)).await?)?;
    drop(view);
    loop {
        let name = webhook.clone();
        let step = store.writer().write(async move |connection| {
            leases::check(connection, LeaseName::WEBHOOKS, fence).await?;
            let row = sql::query(statement::WEBHOOK_EXPIRED)
                .bind(name.as_str())
                .bind(last_old);
            row.execute(connection).await?;
            let rows = sql::query(statement::WEBHOOK_QUEUE_EXPIRE)
                .bind(name.as_str())
                .bind(column::millis(before))
                .bind(STEP_ROWS);
            let rows = rows.execute(connection).await?;
            Ok((rows, place(connection, &name).await?))
        });
        let (rows, place) = step.await?;
        gone += rows;
        if rows < STEP_ROWS.unsigned_abs() {
            return Ok((gone, place));
        }
    }
}

/// Events of these parts after the first number and up to the second.
async fn count(
    view: &mut Connection,
    part: LogPart,
    (after, through): (i64, i64),
) -> Result<i64, Fault> {
    let count = sql::query_scalar(statement::WEBHOOK_LOG_COUNT)
        .bind(after)
        .bind(through)
        .bind(part.messages)
        .bind(part.membership);
    Ok(count.fetch_one(view).await?)
}

impl From<Fault> for WebhookFault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store(error) => Self::Unavailable(Box::new(error)),
            Fault::Conflict => Self::Fenced,
            Fault::Full(_) | Fault::NotFound => {
                Self::Unavailable(Box::new(StoreError::Value("webhook")))
            }
        }
    }
}

/// Rows that one step deletes.
const STEP_ROWS: i64 = 256;
