//! A queue between two stages of a task, bounded by the bytes it holds.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Bytes per permit: semaphores count in u32.
const UNIT: usize = 1024;

/// The sending end.
pub struct ByteSender<T> {
    room: Arc<Semaphore>,
    capacity: u32,
    items: mpsc::UnboundedSender<Held<T>>,
}

/// The receiving end.
pub struct ByteReceiver<T> {
    items: mpsc::UnboundedReceiver<Held<T>>,
}

/// An item and the room it takes; the room is free again when this is dropped.
pub struct Held<T> {
    /// The item.
    pub item: T,
    _room: OwnedSemaphorePermit,
}

/// Room for one item, taken before it is sent.
pub struct Room(OwnedSemaphorePermit);

/// A queue that holds about `bytes`. An item larger than that passes when the queue is empty.
pub fn byte_queue<T>(bytes: usize) -> (ByteSender<T>, ByteReceiver<T>) {
    let capacity = u32::try_from((bytes / UNIT).max(1)).unwrap_or(u32::MAX);
    let (tx, rx) = mpsc::unbounded_channel();
    (ByteSender { room: Arc::new(Semaphore::new(capacity as usize)), capacity, items: tx }, ByteReceiver { items: rx })
}

/// How full a queue is, for who only looks.
#[derive(Clone, Debug)]
pub struct QueueFill {
    room: Arc<Semaphore>,
    capacity: u32,
}

impl QueueFill {
    /// Bytes that are waiting or being worked on.
    pub fn bytes(&self) -> usize {
        self.capacity().saturating_sub(self.room.available_permits() * UNIT)
    }

    /// Bytes that fit.
    pub fn capacity(&self) -> usize {
        self.capacity as usize * UNIT
    }
}

impl<T> ByteSender<T> {
    /// A look at how full it is.
    pub fn fill(&self) -> QueueFill {
        QueueFill { room: self.room.clone(), capacity: self.capacity }
    }

    fn permits(&self, bytes: usize) -> u32 {
        u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).clamp(1, self.capacity)
    }

    /// Waits for room and sends. False when nobody receives any more.
    pub async fn send(&self, item: T, bytes: usize) -> bool {
        match self.room.clone().acquire_many_owned(self.permits(bytes)).await {
            Ok(room) => self.items.send(Held { item, _room: room }).is_ok(),
            Err(_) => false,
        }
    }

    /// True when nothing waits to be received or is being worked on.
    pub fn is_empty(&self) -> bool {
        self.room.available_permits() == self.capacity as usize
    }

    /// Room for an item of this size, if there is some now.
    pub fn try_room(&self, bytes: usize) -> Option<Room> {
        self.room.clone().try_acquire_many_owned(self.permits(bytes)).ok().map(Room)
    }

    /// Sends into room taken before. False when nobody receives any more.
    pub fn send_into(&self, room: Room, item: T) -> bool {
        self.items.send(Held { item, _room: room.0 }).is_ok()
    }
}

impl<T> ByteReceiver<T> {
    /// The next item; `None` when the sender is gone and all was received. Cancel safe.
    pub async fn recv(&mut self) -> Option<Held<T>> {
        self.items.recv().await
    }

    /// As [`ByteReceiver::recv`], blocking the thread.
    pub fn blocking_recv(&mut self) -> Option<Held<T>> {
        self.items.blocking_recv()
    }

    /// The next item, if one is there.
    pub fn try_recv(&mut self) -> Option<Held<T>> {
        self.items.try_recv().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn room_comes_back_when_an_item_is_dropped() {
        let (tx, mut rx) = byte_queue::<u32>(4 * UNIT);
        assert!(tx.send(1, 3 * UNIT).await);
        assert!(tx.try_room(2 * UNIT).is_none());
        let held = rx.recv().await.unwrap();
        assert!(!tx.is_empty());
        assert_eq!(held.item, 1);
        assert!(tx.try_room(2 * UNIT).is_none(), "the room is held as long as the item");
        drop(held);
        assert!(tx.is_empty());
        let room = tx.try_room(100 * UNIT).expect("a large item passes an empty queue");
        assert!(tx.send_into(room, 2));
        assert_eq!(rx.try_recv().unwrap().item, 2);
    }
}
