//! Chat that survives.

use confab_protocol::{ChatMessage, ChatMessageId, ClientMessage, ErrorCode, RequestId, ServerMessage};

use crate::client::Client;
use crate::world::{Folder, metric, room, server, start};

async fn page(client: &mut Client, before: Option<ChatMessageId>, limit: u32) -> (Vec<ChatMessage>, bool) {
    client.send(&ClientMessage::ChatHistory { request: RequestId(4), before, limit: Some(limit) }).await;
    client
        .find(|message| match message {
            ServerMessage::ChatHistory { request: RequestId(4), messages, more } => Some((messages, more)),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn chat_is_there_after_a_restart_and_comes_in_pages() {
    let folder = Folder::new();
    let server = start(folder.config()).await;
    let (code, token) = room(&server).await;
    let mut ann = Client::connect(&server).await;
    ann.join(&code, Some(&token)).await;
    let mut written = vec![];
    for number in 0..120 {
        written.push(ann.write(&format!("message {number}")).await);
    }
    server.shutdown().await;

    let server = start(folder.config()).await;
    let mut bob = Client::connect(&server).await;
    let joined = bob.join(&code, None).await;
    assert_eq!(joined.chat, written[20..], "the newest page comes with the join");
    let (messages, more) = page(&mut bob, Some(joined.chat[0].id), 15).await;
    assert_eq!((messages.as_slice(), more), (&written[5..20], true));
    let (messages, more) = page(&mut bob, Some(messages[0].id), 15).await;
    assert_eq!((messages.as_slice(), more), (&written[..5], false));
    let (messages, _) = page(&mut bob, None, 1_000_000).await;
    assert_eq!(messages.len(), 100, "no page is larger than the server's");
    bob.send(&ClientMessage::ChatHistory { request: RequestId(4), before: Some(ChatMessageId::new()), limit: None })
        .await;
    assert_eq!(bob.error().await, (ErrorCode::InvalidField, Some(RequestId(4))));
    server.shutdown().await;
}

#[tokio::test]
async fn everybody_gets_every_message_once_and_in_one_order() {
    let server = server().await;
    let (code, _) = room(&server).await;
    let mut clients = vec![];
    for _ in 0..3 {
        let mut client = Client::connect(&server).await;
        client.join(&code, None).await;
        clients.push(client);
    }
    for round in 0..30 {
        for (number, client) in clients.iter_mut().enumerate() {
            let content = format!("{number} says {round}");
            client.send(&ClientMessage::ChatMessage { request: None, conversation_id: None, content }).await;
        }
    }
    let mut stories = vec![];
    for client in &mut clients {
        let mut story = vec![];
        while story.len() < 90 {
            story.push(
                client
                    .find(|message| match message {
                        ServerMessage::ChatMessage { chat, .. } => Some(chat.content),
                        ServerMessage::Error { message, .. } => panic!("{message}"),
                        _ => None,
                    })
                    .await,
            );
        }
        client.hears_nothing().await;
        stories.push(story);
    }
    assert!(stories.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(metric(&server, "confab_chat_stored_total").await, 90);
    server.shutdown().await;
}

#[tokio::test]
async fn outside_a_meeting_there_is_no_chat() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    let request = Some(RequestId(2));
    client.send(&ClientMessage::ChatMessage { request, conversation_id: None, content: "hello".into() }).await;
    assert_eq!(client.error().await, (ErrorCode::NotJoined, request));
    client.send(&ClientMessage::ChatHistory { request: RequestId(3), before: None, limit: None }).await;
    assert_eq!(client.error().await, (ErrorCode::NotJoined, Some(RequestId(3))));
    client.send(&ClientMessage::CallHand { raised: true }).await;
    assert_eq!(client.error().await, (ErrorCode::NotJoined, None));
    server.shutdown().await;
}
