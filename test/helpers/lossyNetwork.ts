/**
 * A separate network, in which a firewall drops packets after they have been
 * captured. It needs Linux, root, and nft.
 */
import { $ } from "../../scripts/zx.ts";
import { onLinux, type Why } from "./machine.ts";

/**
 * The beginning of a command that runs in such a network.
 *
 * @param rules which packets are dropped, in nft's words
 */
export function networkWith(rules: string[]): string[] {
  const shell = `ip link set lo up && nft '${tableOf(rules)}' && exec "$@"`;
  return ["unshare", "--net", "sh", "-c", shell, "sh"];
}

/** The firewall's table with the rules, as nft reads it. */
export function tableOf(rules: string[]): string {
  return `table ip lossy {
    chain input {
      type filter hook input priority 0
      ${rules.join("\n")}
    }
  }`;
}

/** The rule that drops the first packet with data to the server. */
export const dropFirstMessage =
  "tcp flags & psh == psh ct direction original " +
  "limit rate 1/day burst 1 packets drop";

/** The rule that drops every packet with data to the client. */
export const dropEveryEcho = "tcp flags & psh == psh ct direction reply drop";

/** The reason why this machine can't have such a network. */
export async function whyNoNetwork(): Promise<Why> {
  if (!onLinux) return "it needs Linux's network namespaces";
  const command = [...networkWith([dropFirstMessage, dropEveryEcho]), "true"];
  const { exitCode } = await $`${command}`;
  return exitCode !== 0 && "it needs root, unshare and nft";
}
