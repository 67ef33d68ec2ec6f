namespace Kgents.EndToEnd.Tests.Browser;

/// <summary>Something that the page saw: an event of the stream, or <c>#state</c> with the readyState after an error of its EventSource.</summary>
internal sealed record PageEvent(string Name, string Id, string Data);

/// <summary>A page with an EventSource, as a browser has it: no library, no headers, no code for reconnecting. It tells all that it sees, in order.</summary>
internal static class EventSourcePage
{
    public const string State = "#state";
    public const string Closed = "2";

    public static string Following(string path) => $$"""
        <!doctype html>
        <meta charset="utf-8">
        <script>
          const source = new EventSource("{{path}}");
          const pending = [];
          let telling = false;
          async function tell(name, id, data) {
            pending.push({ name, id, data });
            if (telling) return;
            telling = true;
            while (pending.length > 0) {
              await fetch("/seen", { method: "POST", body: JSON.stringify(pending.splice(0)) });
            }
            telling = false;
          }
          for (const name of ["message", "turn", "gap", "accepted", "chunk", "restarted", "usage", "complete", "error", "cancelled"]) {
            source.addEventListener(name, event => event instanceof MessageEvent
              ? tell(name, event.lastEventId, event.data)
              : tell("{{State}}", "", String(source.readyState)));
          }
        </script>
        """;
}
