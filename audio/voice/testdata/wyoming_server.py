"""A text-to-speech server made of the real Wyoming library, for the tests. It prints its port, and ends with its input.

A voice is named by the form of its sound: RATE-WIDTH-CHANNELS. A text may name what goes wrong with it.
"""
import asyncio
import json
import math
import sys

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Attribution, Describe, Info, TtsProgram, TtsVoice
from wyoming.ping import Pong
from wyoming.server import AsyncEventHandler, AsyncTcpServer
from wyoming.tts import Synthesize

NAMES = ["22050-2-1", "16000-2-1", "48000-2-2", "8000-1-1", "44100-4-1"]
BY = Attribution(name="guided", url="http://127.0.0.1/")
INFO = Info(tts=[TtsProgram(name="hum", attribution=BY, installed=True, description="Hums", version="1", voices=[
    TtsVoice(name=n, attribution=BY, installed=True, description=n, version="1", languages=["en"]) for n in NAMES])])


def hum(rate, width, channels, level=0.3):
    """400 ms of a hum between silences."""
    frames = bytearray()
    for i in range(int(0.8 * rate)):
        t = i / rate - 0.2
        x = level * math.sin(2 * math.pi * 300 * t) * math.sin(math.pi * t / 0.4) ** 0.5 if 0 < t < 0.4 else 0
        full = (1 << (8 * width - 1)) - 1
        sample = int(x * full).to_bytes(width, "little", signed=True) if width > 1 else bytes([128 + int(x * full)])
        frames += sample * channels
    return bytes(frames)


class Handler(AsyncEventHandler):
    busy = most = 0

    async def handle_event(self, event):
        if Describe.is_type(event.type):
            await self.write_event(INFO.event())
        elif Synthesize.is_type(event.type):
            wanted = Synthesize.from_event(event)
            Handler.busy += 1
            Handler.most = max(Handler.busy, Handler.most)
            try:
                return await self.speak(wanted.text, (wanted.voice and wanted.voice.name) or NAMES[0])
            finally:
                Handler.busy -= 1
        return True

    async def speak(self, text, voice):
        if voice not in NAMES:
            return await self.fail(f"there is no {voice}.onnx")
        rate, width, channels = map(int, voice.split("-"))
        sound = dict(rate=rate, width=width, channels=channels)
        pcm = hum(rate, width, channels, 0 if text == "silence" else 0.3)
        raw = {
            "long line": b'{"type": "audio-start", "data": {"x": "' + 70_000 * b"x" + b'"}}\n',
            "endless line": 3 * 65536 * b"x",
            "garbage": b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "JSON of another kind": b'[1, 2, 3]\n',
            "data that is none": b'{"type": "audio-start", "data_length": 3}\nfoo',
            "a payload of an exabyte": b'{"type": "audio-chunk", "payload_length": 1152921504606846976}\n',
            "a negative length": b'{"type": "audio-chunk", "payload_length": -1}\n',
            "a length of text": b'{"type": "audio-chunk", "payload_length": "many"}\n',
            "a closed door": b"",
        }
        if text in raw:
            self.writer.write(raw[text])
            await self.writer.drain()
            return False
        if text == "an error":
            return await self.fail("the model is broken")
        if text == "an error without words":
            await self.write_event(Event("error"))
            return False
        if text == "how many at once":
            return await self.fail(f"{Handler.most} at once")
        if text.startswith("how long"):
            return await self.fail(f"{len(text)} letters")
        if text.startswith("sleep"):
            await asyncio.sleep(3600)
        if text.strip():
            if text == "other events":
                await self.write_event(Pong(text="?").event())
                await self.write_event(Event("audio-weather", {"rain": True}, b"drops"))
                line = json.dumps({"type": "audio-start", "data": sound, "data_length": None, "new": [1]})
                self.writer.write(line.encode() + b"\n")
            else:
                await self.write_event(AudioStart(**sound).event())
            for at in range(0, len(pcm), 2048):
                await self.write_event(AudioChunk(audio=pcm[at:at + 2048], **sound).event())
                if text == "half":
                    return False
                if text == "a new format":
                    sound["rate"] = 16000
            while text == "no end":
                await self.write_event(AudioChunk(audio=bytes(1 << 20), **sound).event())
            if text == "a rate of 0":
                await self.write_event(Event("audio-chunk", dict(sound, rate=0), b"xx"))
        await self.write_event(AudioStop().event())
        return True

    async def fail(self, why):
        await self.write_event(Error(text=why, code="ValueError").event())
        return False


async def main():
    server = AsyncTcpServer("127.0.0.1", 0)
    await server.start(Handler)
    print(server._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()


asyncio.run(main())
