import { readdirSync } from "node:fs";
import {
  SESv2Client,
  type SESv2ClientConfig,
  SendEmailCommand,
  type SendEmailCommandInput,
} from "@aws-sdk/client-sesv2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import {
  fixtureFunction,
  fixtureQueue,
  sdk,
  withSdk,
  writeAssembly,
} from "./support/fixture-assembly.ts";

const notify = `${withSdk}
const { SESv2Client, SendEmailCommand } = require("@aws-sdk/client-sesv2");
const ses = new SESv2Client({});
export const handler = (input) => ses.send(new SendEmailCommand(input));`;

let cloud: TestCloud;
let ses: SESv2Client;
beforeAll(async () => {
  const resources = {
    Domain: {
      Type: "AWS::SES::EmailIdentity",
      Properties: {
        EmailIdentity: "pennyline.example",
        ConfigurationSetAttributes: { ConfigurationSetName: { Ref: "Set" } },
        DkimSigningAttributes: { NextSigningKeyLength: "RSA_2048_BIT" },
      },
    },
    Set: { Type: "AWS::SES::ConfigurationSet" },
    Events: {
      Type: "AWS::SES::ConfigurationSetEventDestination",
      Properties: {
        ConfigurationSetName: { Ref: "Set" },
        EventDestination: {
          MatchingEventTypes: ["send", "bounce"],
          EventBridgeDestination: { EventBusArn: "arn:aws:events:us-east-1:0:event-bus/default" },
        },
      },
    },
    Reports: fixtureQueue("reports"),
    Rule: {
      Type: "AWS::Events::Rule",
      Properties: {
        EventPattern: {
          source: ["aws.ses"],
          detail: { mail: { tags: { "ses:configuration-set": ["Fixture-Set"] } } },
        },
        Targets: [{ Id: "Queue", Arn: { "Fn::GetAtt": ["Reports", "Arn"] } }],
      },
    },
    Notify: fixtureFunction("notify"),
  };
  cloud = await startTestCloud({
    assemblyDir: writeAssembly({ resources, bundles: { notify } }),
  });
  ses = new SESv2Client(sdk(cloud.servicesUrl) as SESv2ClientConfig);
});
afterAll(() => stopTestCloud(cloud));

const simple = (change: Partial<SendEmailCommandInput> = {}): SendEmailCommandInput => ({
  FromEmailAddress: "Pennyline <hello@mail.pennyline.example>",
  Destination: { ToAddresses: ["Zoë <zoe@example.com>"], BccAddresses: ["archive@example.com"] },
  Content: {
    Simple: {
      Subject: { Data: "Grüße & 1 <b>" },
      Body: { Text: { Data: "plain\ntext" }, Html: { Data: "<p>rich</p>" } },
    },
  },
  ...change,
});
const send = (input: SendEmailCommandInput) => ses.send(new SendEmailCommand(input));
const get = (path = "", accept = "application/json") =>
  fetch(`${cloud.url}/_local/mailbox${path}`, { headers: { accept } });
interface Listed {
  readonly id: string;
  readonly eml: string;
}
const mails = async () => ((await (await get()).json()) as { mails: Listed[] }).mails;

describe("an e-mail", () => {
  test("sent by a function is in the mailbox, and an .eml file in the data folder", async () => {
    const { MessageId: id } = (await cloud.invoke("notify", simple())) as { MessageId: string };
    const [mail] = await mails();
    expect(mail).toMatchObject({
      id,
      from: "Pennyline <hello@mail.pennyline.example>",
      to: ["Zoë <zoe@example.com>", "archive@example.com"],
      subject: "Grüße & 1 <b>",
      text: "plain\ntext",
      html: "<p>rich</p>",
    });
    const file = await fetch(`${cloud.url}${mail?.eml}`);
    expect(file.headers.get("content-type")).toBe("message/rfc822");
    const eml = await file.text();
    expect(eml).toContain("From: Pennyline <hello@mail.pennyline.example>\r\n");
    expect(eml).toContain("To: =?UTF-8?B?Wm/Dqw==?= <zoe@example.com>\r\n");
    expect(eml).toContain("Subject: =?UTF-8?B?R3LDvMOfZSAmIDEgPGI+?=\r\n");
    expect(eml).toMatch(/Content-Type: multipart\/alternative;.*\r\n\r\n--part-/);
    expect(eml).toContain("\r\n\r\nplain\r\ntext\r\n");
    expect(eml).not.toContain("archive@example.com");
    expect(readdirSync(cloud.dataDir.mailbox)).toEqual([`${id}.eml`]);
  });

  test("is shown on a page on which it can do nothing", async () => {
    const Body = { Html: { Data: "<script>alert(1)</script>" } };
    const Content = { Simple: { Subject: { Data: "<i>hi</i>" }, Body } };
    const { MessageId } = await send(simple({ Content }));
    const list = await (await get("", "text/html,*/*")).text();
    expect(list).toContain("&lt;i&gt;hi&lt;/i&gt;");
    expect(list).toContain(`href="/_local/mailbox/${MessageId}"`);
    const shown = await get(`/${MessageId}`);
    expect(await shown.text()).toContain("<script>alert(1)</script>");
    expect(shown.headers.get("content-security-policy")).toMatch(/^sandbox .*default-src 'none'/);
    expect((await get("/no-such-mail")).status).toBe(404);
  });

  test("carries attachments, headers and tags", async () => {
    const Content = {
      Simple: {
        Subject: { Data: "Statement" },
        Body: { Text: { Data: "attached" } },
        Headers: [{ Name: "List-Unsubscribe", Value: "<https://a.example/u>" }],
        Attachments: [
          {
            FileName: "a.pdf",
            ContentType: "application/pdf",
            RawContent: Buffer.from("%PDF-1.7"),
          },
        ],
      },
    };
    const EmailTags = [{ Name: "kind", Value: "statement" }];
    await send(simple({ Content, EmailTags, ReplyToAddresses: ["help@pennyline.example"] }));
    const [mail] = await mails();
    expect(mail).toMatchObject({ tags: { kind: "statement" } });
    const eml = await (await fetch(`${cloud.url}${mail?.eml}`)).text();
    expect(eml).toContain("multipart/mixed");
    expect(eml).toContain("List-Unsubscribe: <https://a.example/u>\r\n");
    expect(eml).toContain("Reply-To: help@pennyline.example\r\n");
    expect(eml).toContain('Content-Disposition: attachment; filename="a.pdf"');
    expect(eml).toContain(Buffer.from("%PDF-1.7").toString("base64"));
  });

  test("that is written already is kept as it is", async () => {
    const raw =
      "From: raw@pennyline.example\r\nTo: a@example.com,\r\n b@example.com\r\nSubject: raw\r\n\r\nx";
    await send({ Content: { Raw: { Data: Buffer.from(raw) } } });
    const [mail] = await mails();
    expect(mail).toMatchObject({ subject: "raw", to: ["a@example.com", "b@example.com"] });
    expect(await (await fetch(`${cloud.url}${mail?.eml}`)).text()).toBe(raw);
  });
});

describe("SES tells the default bus", () => {
  const reports = () =>
    cloud.queues
      .get("reports")
      .peek()
      .map((body) => JSON.parse(body));
  const drain = () => {
    const { get } = cloud.queues;
    get("reports").delete(
      get("reports")
        .receive(10)
        .map(({ receiptHandle }) => receiptHandle),
    );
  };

  test("what it sent, with its tags, by the set of the identity or of the message", async () => {
    drain();
    const EmailTags = [{ Name: "kind", Value: "news" }];
    const { MessageId: messageId } = await send(simple({ EmailTags }));
    expect(reports()).toMatchObject([
      {
        "detail-type": "Email Sent",
        detail: {
          eventType: "Send",
          mail: {
            messageId,
            tags: { kind: ["news"], "ses:configuration-set": ["Fixture-Set"] },
            destination: ["Zoë <zoe@example.com>", "archive@example.com"],
          },
        },
      },
    ]);
  });

  test("what bounced, and of complaints only if it is asked to", async () => {
    drain();
    for (const what of ["bounce+1", "complaint"]) {
      await send(simple({ Destination: { ToAddresses: [`${what}@simulator.amazonses.com`] } }));
    }
    expect(reports().map(({ detail }) => [detail.eventType, detail.bounce?.bounceType])).toEqual([
      ["Send", undefined],
      ["Bounce", "Permanent"],
      ["Send", undefined],
    ]);
  });
});

describe("SES refuses", () => {
  const Simple = { Subject: { Data: "x\r\nBcc: y@example.com" }, Body: { Text: { Data: "x" } } };
  const Template = { TemplateName: "t", TemplateData: "{}" };
  const tooMany = Array.from({ length: 51 }, (_, n) => `r${n}@example.com`);
  test.each<[string, Partial<SendEmailCommandInput>, string]>([
    ["a sender of nobody's", { FromEmailAddress: "me@example.com" }, "MessageRejected"],
    ["an address like ours", { FromEmailAddress: "a@notpennyline.example" }, "MessageRejected"],
    ["an unknown configuration set", { ConfigurationSetName: "other" }, "NotFoundException"],
    ["no recipient", { Destination: {} }, "BadRequestException"],
    ["51 recipients", { Destination: { ToAddresses: tooMany } }, "BadRequestException"],
    ["a header within a header", { Content: { Simple } }, "BadRequestException"],
    ["templates, which are not known here", { Content: { Template } }, "BadRequestException"],
  ])("%s", async (_name, change, name) => {
    const before = (await mails()).length;
    await expect(send(simple(change))).rejects.toMatchObject({ name });
    expect(await mails()).toHaveLength(before);
  });

  test("nothing that its templates allow", async () => {
    await send(simple({ ConfigurationSetName: "Fixture-Set" }));
  });
});
