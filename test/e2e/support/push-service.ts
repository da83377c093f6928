import { createDecipheriv, createECDH, type ECDH, hkdfSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

export interface Pushed {
  readonly headers: IncomingHttpHeaders;
  /** As the service worker of the page gets it. */
  // biome-ignore lint/suspicious/noExplicitAny: a message is what the sender makes it.
  readonly message: any;
}

/** A browser's push service, with browsers that subscribe to it. */
export async function startPushService() {
  const devices = new Map<string, { readonly keys: ECDH; readonly auth: Buffer; status: number }>();
  const pushed = new Map<string, Pushed[]>();
  let retryAfter: string | undefined;
  let hangs = false;
  let refusals = 0;
  const server = createServer(async (request, response) => {
    const name = (request.url ?? "").slice(1);
    const device = devices.get(name);
    const body = Buffer.concat(await request.toArray());
    if (hangs) return;
    if (device?.status !== 201) refusals += 1;
    if (!device) return void response.writeHead(410).end();
    if (device.status === 201) {
      const message = JSON.parse(decrypt(device.keys, device.auth, body));
      pushed.set(name, [...(pushed.get(name) ?? []), { headers: request.headers, message }]);
    }
    response.writeHead(device.status, retryAfter ? { "retry-after": retryAfter } : {}).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    /** How often it said no. */
    refusals: () => refusals,
    /** As a browser's `PushSubscription.toJSON()`. */
    subscribe(name: string) {
      const keys = createECDH("prime256v1");
      const p256dh = keys.generateKeys("base64url");
      const auth = randomBytes(16);
      devices.set(name, { keys, auth, status: 201 });
      return {
        ...{ endpoint: `${origin}/${name}`, expirationTime: null },
        keys: { p256dh, auth: auth.toString("base64url") },
      };
    },
    answer(name: string, status: number, after?: string) {
      const device = devices.get(name);
      if (device) device.status = status;
      retryAfter = after;
    },
    hang(on: boolean) {
      hangs = on;
      if (!on) server.closeAllConnections();
    },
    pushedTo: (name: string) => pushed.get(name) ?? [],
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

export type PushService = Awaited<ReturnType<typeof startPushService>>;

/** RFC 8291 and 8188: one record of `aes128gcm`. */
function decrypt(keys: ECDH, auth: Buffer, body: Buffer): string {
  const salt = body.subarray(0, 16);
  const idLength = body.readUInt8(20);
  const sender = body.subarray(21, 21 + idLength);
  const record = body.subarray(21 + idLength);
  const derive = (secret: Buffer, by: Buffer, info: Buffer | string, length: number) =>
    Buffer.from(hkdfSync("sha256", secret, by, info, length));
  const info = Buffer.concat([Buffer.from("WebPush: info\0"), keys.getPublicKey(), sender]);
  const secret = derive(keys.computeSecret(sender), auth, info, 32);
  const key = derive(secret, salt, "Content-Encoding: aes128gcm\0", 16);
  const nonce = derive(secret, salt, "Content-Encoding: nonce\0", 12);
  const decipher = createDecipheriv("aes-128-gcm", key, nonce);
  decipher.setAuthTag(record.subarray(-16));
  const text = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
  // A delimiter ends the text; padding follows.
  return text.subarray(0, text.lastIndexOf(2)).toString("utf8");
}
