import type { WebSocket } from "ws";

/** API Gateway's, in bytes; a larger message or frame ends the connection with code 1009. */
export const maxMessageBytes = 128 * 1024;
const maxFrameBytes = 32 * 1024;

export interface WebSocketLimits {
  /** How long nothing may be said, in either direction. */
  readonly idleMs: number;
  readonly connectionMs: number;
}

export const defaultLimits: WebSocketLimits = {
  idleMs: 10 * 60_000,
  connectionMs: 2 * 3_600_000,
};

const goingAway = 1001;

/** Ends the connection at its limits; the function it returns says that something was said. */
export function limitConnection(socket: WebSocket, limits: WebSocketLimits): () => void {
  const end = () => socket.close(goingAway, "Going away");
  const idle = setTimeout(end, limits.idleMs);
  const age = setTimeout(end, limits.connectionMs);
  socket.on("close", () => {
    clearTimeout(idle);
    clearTimeout(age);
  });
  const active = () => {
    if (socket.readyState === socket.OPEN) idle.refresh();
  };
  socket.on("message", active);
  socket.on("ping", active);
  socket.on("pong", active);
  limitFrames(socket);
  return active;
}

interface Receiver {
  _payloadLength: number;
  _opcode: number;
  haveLength(callback: (error?: Error) => void): void;
  createError(
    type: ErrorConstructor,
    message: string,
    prefix: boolean,
    statusCode: number,
    code: string,
  ): Error;
}

/** `ws` limits messages, not frames: this looks into its receiver, so its version is pinned. */
function limitFrames(socket: WebSocket): void {
  const { _receiver: receiver } = socket as unknown as { readonly _receiver: Receiver };
  const haveLength = receiver.haveLength;
  receiver.haveLength = function (callback) {
    if (this._payloadLength <= maxFrameBytes) return haveLength.call(this, callback);
    const code = "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";
    callback(this.createError(RangeError, "the frame is too large", false, 1009, code));
  };
}
