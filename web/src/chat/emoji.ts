import { ofDevice } from '../parts/kept.js';

/*
 * Emoji that people use, with their English names: the first is what it is called, the others are further words to find it by. Phones and
 * systems have pickers that know them all.
 */

export interface Emoji {
  readonly sign: string;
  readonly name: string;
  /** In small letters: what it is found by. */
  readonly names: readonly string[];
}

export interface EmojiGroup {
  readonly title: string;
  readonly emoji: readonly Emoji[];
}

const TABLE: Readonly<Record<string, string>> = {
  Faces: `
😀 grinning face
😃 grinning face with big eyes, happy
😄 grinning face with smiling eyes, smile
😁 beaming face
😆 squinting face, laughing
😅 grinning face with sweat, phew
🤣 rolling on the floor laughing, rofl
😂 face with tears of joy, laughing, lol
🙂 slightly smiling face, smile
🙃 upside-down face
😉 winking face
😊 smiling face with smiling eyes, blush
😇 smiling face with halo, angel
🥰 smiling face with hearts, love
😍 heart eyes, love
😘 blowing a kiss
😋 savouring food, yum
😛 face with tongue
😜 winking face with tongue
🤪 zany face, crazy
🤗 hugging face
🤭 hand over mouth, oops
🤫 shushing face, quiet
🤔 thinking face, hmm
🤐 zipper mouth
🤨 raised eyebrow
😐 neutral face
😶 face without mouth
😏 smirking face
😒 unamused face
🙄 rolling eyes
😬 grimacing face
😌 relieved face
😔 pensive face
😴 sleeping face, tired
😷 face with medical mask
🤒 face with thermometer, ill
🤧 sneezing face
🥵 hot face
🥶 cold face
😵 dizzy face
🤯 exploding head, mind blown
🤠 cowboy hat face
🥳 partying face, party
😎 sunglasses, cool
🤓 nerd face
🧐 face with monocle
😕 confused face
😟 worried face
🙁 slightly frowning face
😮 open mouth, wow
😲 astonished face
😳 flushed face
🥺 pleading face
😨 fearful face
😢 crying face, sad
😭 loudly crying face, sob
😱 screaming in fear
😤 face with steam, triumph
😡 enraged face, angry
🤬 swearing face
😈 smiling face with horns
💀 skull
💩 pile of poo
🤡 clown
👻 ghost
👽 alien
🤖 robot, bot`,
  'Hands and people': `
👋 waving hand, hello, bye
✋ raised hand, stop
👌 OK hand, okay
🤞 crossed fingers, luck
✌️ victory hand, peace
🤙 call me hand
👈 pointing left
👉 pointing right
👆 pointing up
👇 pointing down
👍 thumbs up, yes, like, +1
👎 thumbs down, no, -1
👊 fist bump
👏 clapping hands, applause
🙌 raising hands, hooray
🤝 handshake, deal
🙏 folded hands, thanks
✍️ writing hand
💪 flexed biceps, strong
👀 eyes, look
🧠 brain
🤷 shrug
🤦 facepalm
🙋 raising a hand, question
💃 dancing woman
🏃 running
🚶 walking`,
  'Hearts and signs': `
❤️ red heart, love
🧡 orange heart
💛 yellow heart
💚 green heart
💙 blue heart
💜 purple heart
🖤 black heart
💔 broken heart
💯 hundred points
💥 collision, boom
💤 sleeping, zzz
💬 speech bubble
✅ check mark, done, yes
❌ cross mark, no
❓ question mark
❗ exclamation mark
⚠️ warning
🚫 prohibited
➕ plus
♻️ recycling
🔴 red circle
🟡 yellow circle
🟢 green circle`,
  'Animals and plants': `
🐶 dog
🐱 cat
🐭 mouse
🦊 fox
🐻 bear
🐼 panda
🐸 frog
🐔 chicken
🐧 penguin
🦉 owl
🦄 unicorn
🐝 bee
🐛 bug
🦋 butterfly
🐢 turtle
🐙 octopus
🐳 whale
🌳 tree
🌵 cactus
🍀 four leaf clover, luck
🌹 rose, flower
🌻 sunflower
🍂 autumn leaves`,
  Food: `
🍎 apple
🍌 banana
🍓 strawberry
🥑 avocado
🍞 bread
🧀 cheese
🍕 pizza
🍔 hamburger
🍟 fries
🍝 spaghetti, pasta
🍣 sushi
🍰 cake
🎂 birthday cake
🍪 cookie
☕ coffee, tea
🍺 beer
🍷 wine
🥂 clinking glasses, cheers`,
  'Things and places': `
🎉 party popper, tada, celebrate
🎁 gift, present
🏆 trophy, win
⚽ football, soccer
🎮 video game
🎵 music
🎧 headphones
📷 camera
💻 laptop, computer
📱 phone, mobile
🔋 battery
💡 light bulb, idea
🔒 lock
🔑 key
🔧 wrench, tool
📌 pin
📎 paperclip
📅 calendar, date
📝 memo, note
📚 books
✉️ envelope, mail
⏰ alarm clock, time
⏳ hourglass, wait
🚗 car
🚲 bicycle, bike
🚆 train
✈️ plane, flight
🚀 rocket, launch
🏠 house, home
🌍 earth, world
☀️ sun
🌙 moon
⭐ star
🌈 rainbow
🌧️ rain
❄️ snow
🔥 fire, hot
✨ sparkles`,
};

function emojiOf(line: string): Emoji {
  const [sign = '', ...rest] = line.split(' ');
  const names = rest.join(' ').split(', ');
  return { sign, name: names[0]!, names: names.map((name) => name.toLowerCase()) };
}

export const GROUPS: readonly EmojiGroup[] = Object.entries(TABLE).map(([title, lines]) => ({
  title,
  emoji: lines.trim().split('\n').map(emojiOf),
}));

export const ALL: readonly Emoji[] = GROUPS.flatMap(({ emoji }) => emoji);

/** Those that have, for each word of `query`, one that begins so; those with a name that begins so come first. */
export function findEmoji(query: string): Emoji[] {
  const parts = query
    .toLowerCase()
    .split(/[\s_]+/)
    .filter((part) => part !== '');
  if (parts.length === 0) return [];
  const hasAll = ({ names }: Emoji): boolean => {
    const words = names.join(' ').split(' ');
    return parts.every((part) => words.some((word) => word.startsWith(part)));
  };
  const whole = parts.join(' ');
  const beginsSo = ({ names }: Emoji): boolean => names.some((name) => name.startsWith(whole));
  const found = ALL.filter(hasAll);
  return [...found.filter(beginsSo), ...found.filter((emoji) => !beginsSo(emoji))];
}

/** In the browser's storage: those picked last come first. */
const KEY = 'recent-emoji';
const MOST_RECENT = 16;

export function recentEmoji(): Emoji[] {
  const signs = stored();
  return signs.flatMap((sign) => ALL.find((emoji) => emoji.sign === sign) ?? []).slice(0, MOST_RECENT);
}

export function rememberEmoji(sign: string): void {
  const signs = [sign, ...stored().filter((other) => other !== sign)].slice(0, MOST_RECENT);
  ofDevice.write(KEY, JSON.stringify(signs));
}

function stored(): string[] {
  try {
    const value: unknown = JSON.parse(ofDevice.read(KEY) ?? '[]');
    return Array.isArray(value) ? value.filter((sign) => typeof sign === 'string') : [];
  } catch {
    return [];
  }
}
