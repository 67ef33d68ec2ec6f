using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>Talks in one session: posts, each until it is answered, cancels now and then, and follows every turn with some viewers.</summary>
internal sealed class Talker(string session, int number, ChaosTenant tenant, ChaosSystem system, ChaosSettings settings)
{
    private static readonly string[] Refusals = ["turn-in-progress", "queue-full", "too-many-streams"];

    private readonly Random random = settings.RandomOf($"talker {number}");
    private readonly Gateway gateway = new(system, tenant, settings.RandomOf($"gateway of talker {number}"));
    private readonly List<Task> others = [];

    public string Session => session;

    /// <summary>Posts that became a turn.</summary>
    public int Turns { get; private set; }

    public ConcurrentQueue<Post> Posts { get; } = new();

    public ConcurrentQueue<Viewer> Viewers { get; } = new();

    /// <summary>Answers that no client should get, whatever dies.</summary>
    public ConcurrentQueue<string> Faults { get; } = new();

    /// <summary>Begins no post any more when it is over, and returns when the last one is answered.</summary>
    public async Task TalkAsync(CancellationToken over, CancellationToken cancellationToken)
    {
        for (var i = 0; !over.IsCancellationRequested; i++)
        {
            var post = new Post(
                session,
                $"p-{settings.Seed}-{number}-{i}",
                random.OneOf(ChaosSystem.Models),
                random.OneOf(["reject", "reject", "enqueue", "enqueue", "interrupt"]),
                random.Chance(0.1) ? "cancel" : "continue",
                Stream: random.Chance(0.7));
            Posts.Enqueue(post);
            var stream = await SendAsync(post, cancellationToken);
            if (post.Turn is not null)
            {
                Turns++;
                FollowAsync(post, stream, i, cancellationToken);
            }

            await Draws.PassAsync(random.Between(0.02, 1), over);
        }
    }

    /// <summary>Until every viewer has seen the end of its turn.</summary>
    public Task SeeAllAsync() => Task.WhenAll(others);

    /// <param name="actor">Who draws what it does.</param>
    public Viewer ViewerOf(string name, string path, string actor, bool ends, bool leaves)
    {
        var numbers = settings.RandomOf(actor);
        return new Viewer(name, path, new Gateway(system, tenant, numbers), numbers, ends, leaves);
    }

    private void FollowAsync(Post post, HttpResponseMessage? stream, int i, CancellationToken cancellationToken)
    {
        var viewers = random.Next(1, 4);
        for (var v = 0; v < viewers; v++)
        {
            // The one that posted does not leave by itself: whatever it misses, only the server can mend.
            var viewer = ViewerOf(post.Turn!, $"/v1/kgent/sessions/{session}/turns/{post.Turn}/events", $"viewer {number} {i} {v}", ends: true, leaves: v > 0);
            Viewers.Enqueue(viewer);
            others.Add(viewer.FollowAsync(v == 0 ? stream : null, cancellationToken));
        }

        if (random.Chance(0.2))
        {
            others.Add(CancelAsync(post, random.Between(0, 1.5), cancellationToken));
        }
    }

    /// <summary>The turn's stream, if the answer is one.</summary>
    private async Task<HttpResponseMessage?> SendAsync(Post post, CancellationToken cancellationToken)
    {
        while (true)
        {
            post.Tries++;
            var response = await gateway.TrySendAsync(HttpMethod.Post, $"/v1/kgent/sessions/{session}/messages", request =>
            {
                request.Headers.Add("Idempotency-Key", post.Key);
                request.Content = JsonContent.Create(new { message = post.Text, model = post.Model, stream = post.Stream, on_busy = post.OnBusy, on_disconnect = post.OnDisconnect });
            }, cancellationToken);
            if (response is null)
            {
                continue;
            }

            if (post.Stream && response.StatusCode is HttpStatusCode.OK)
            {
                post.Turn = response.Content.Headers.ContentLocation!.OriginalString.Split('/')[^2];
                return response;
            }

            using (response)
            {
                if (await ReadAsync(post, response, cancellationToken))
                {
                    return null;
                }
            }

            await Draws.PassAsync(random.Between(0.05, 0.3), cancellationToken);
        }
    }

    /// <summary>False when the post is to be sent again.</summary>
    private async Task<bool> ReadAsync(Post post, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        JsonElement json;
        try
        {
            json = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        }
        catch (Exception exception) when (Gateway.IsBroken(exception) && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }

        var problem = json.TryGetProperty("type", out var type) ? type.GetString()!.Split(':')[^1] : null;

        // An answer, or the end of a turn that has none: one that failed says with which code.
        if (problem is null or "turn-cancelled" || json.TryGetProperty("code", out _))
        {
            post.Turn = json.GetProperty("turn_id").GetString();
            return true;
        }

        if (Refusals.Contains(problem))
        {
            post.Refusal = problem;
            return true;
        }

        if (problem is not ("unavailable" or "stopping"))
        {
            Faults.Enqueue($"{post.Key} was answered {(int)response.StatusCode} {json}");
        }

        return false;
    }

    private async Task CancelAsync(Post post, TimeSpan after, CancellationToken cancellationToken)
    {
        await Draws.PassAsync(after, cancellationToken);
        while (post.Cancelled is null)
        {
            using var response = await gateway.TrySendAsync(HttpMethod.Post, $"/v1/kgent/sessions/{session}/turns/{post.Turn}/cancel", null, cancellationToken);
            if (response is { StatusCode: HttpStatusCode.Accepted or HttpStatusCode.Conflict })
            {
                post.Cancelled = (int)response.StatusCode;
            }
            else if (response is { StatusCode: not HttpStatusCode.ServiceUnavailable })
            {
                Faults.Enqueue($"A cancel of {post.Turn} was answered {(int)response.StatusCode}.");
                return;
            }
            else if (response is not null)
            {
                await Draws.PassAsync(TimeSpan.FromSeconds(0.2), cancellationToken);
            }
        }
    }
}
