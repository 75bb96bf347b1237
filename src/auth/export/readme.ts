/** What is what in an export, for whoever opens it years later. */
export const README = `This is what a Parley server had of yours when the export was made. Texts are in UTF-8, times in UTC.

profile.json     your name, your address, when the account was made, your role
sessions.json    your logins: the device as it named itself, when the session began, and when it ends or has ended
chats.json       the chats you are in. kind: "room" with one other person, "group", or "bot". Up to which message (seq) you
                 have read, and your settings for the chat; what is missing there is as it was at first
messages.jsonl   all that you have written and that was not deleted, a message in each line. chat: as in chats.json; seq: its
                 number in the chat; reply_to: the number of the message that it answers. Of deleted messages there is no
                 text. Also your questions to the bot, and what you have written in groups that you are no longer in
reactions.jsonl  your reactions: the emoji, and the message it belongs to
blocks.json      people whom you have blocked
groups.json      groups that you own

What others have written is not here, nor are the answers of the bot: it is theirs. Names of people and of groups are as they
were when the export was made.
`;
