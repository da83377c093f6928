/**
 * Hosts from which an organic search sends a reader, matched exactly: a substring match would pay
 * for `google.com.evil.example` or `mail.google.com`. Add a host here, with a test, when one is missed.
 * Google's domains: https://www.google.com/supported_domains
 */
const googleDomains = (
  "com ad ae com.af com.ag al am co.ao com.ar as at com.au az ba com.bd be bf bg com.bh bi bj com.bn " +
  "com.bo com.br bs bt co.bw by com.bz ca cd cf cg ch ci co.ck cl cm cn com.co co.cr com.cu cv com.cy " +
  "cz de dj dk dm com.do dz com.ec ee com.eg es com.et fi com.fj fm fr ga ge gg com.gh com.gi gl gm gr " +
  "com.gt gy com.hk hn hr ht hu co.id ie co.il im co.in iq is it je com.jm jo co.jp co.ke com.kh ki kg " +
  "co.kr com.kw kz la com.lb li lk co.ls lt lu lv com.ly co.ma md me mg mk ml com.mm mn com.mt mu mv mw " +
  "com.mx com.my co.mz com.na com.ng com.ni ne nl no com.np nr nu co.nz com.om com.pa com.pe com.pg " +
  "com.ph com.pk pl pn com.pr ps pt com.py com.qa ro ru rw com.sa com.sb sc se com.sg sh si sk com.sl sn " +
  "so sm sr st com.sv td tg co.th com.tj tl tm tn to com.tr tt com.tw co.tz com.ua co.ug co.uk com.uy " +
  "co.uz com.vc co.ve co.vi com.vn vu ws rs co.za co.zm co.zw cat"
).split(" ");

const otherHosts = [
  "baidu.com",
  "bing.com",
  "cn.bing.com",
  "duckduckgo.com",
  "r.duckduckgo.com",
  "ecosia.org",
  "search.aol.com",
  "search.brave.com",
  "search.daum.net",
  "search.naver.com",
  "search.seznam.cz",
  "search.yahoo.com",
  "search.yahoo.co.jp",
  "so.com",
  "sogou.com",
  "startpage.com",
  "swisscows.com",
  "qwant.com",
  "ask.com",
  "yandex.com",
  "yandex.ru",
  "yandex.by",
  "yandex.kz",
  "yandex.com.tr",
  "ya.ru",
  "mojeek.com",
  "kagi.com",
  "m.baidu.com",
  "m.search.naver.com",
  "html.duckduckgo.com",
  "lite.duckduckgo.com",
];

const searchHosts: ReadonlySet<string> = new Set([
  ...googleDomains.flatMap((suffix) => [`google.${suffix}`, `images.google.${suffix}`]),
  ...otherHosts,
]);

/** True when the referrer's host is a known search engine's (a leading `www.` aside). */
export function isSearchReferrer(referrer: string): boolean {
  if (!URL.canParse(referrer)) return false;
  const { protocol, hostname } = new URL(referrer);
  if (protocol !== "http:" && protocol !== "https:") return false;
  return searchHosts.has(hostname.replace(/^www\./, "").replace(/\.$/, ""));
}
