using Kgents.Contracts;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>Holds what clients were told of their posts against the conversations as they are stored, and the answers against what the model said.</summary>
internal static class PostJudge
{
    public static void Judge(Verdict verdict, StoredLog log, IReadOnlyList<StoredTurn> turns, IReadOnlyList<Post> posts, Babble model)
    {
        var stored = log.Users.ToLookup(user => user.Message.Text.Split(' ')[0], user => user.Message.Turn.ToString());
        var byId = turns.ToDictionary(turn => turn.Id);
        var cancelled = posts.Where(post => post is { Cancelled: 202, Turn: not null }).ToList();
        verdict.Count("posts", posts.Count);
        verdict.Count("posts that were sent again", posts.Count(post => post.Tries > 1));
        verdict.Count("posts that were refused", posts.Count(post => post.Refusal is not null));
        verdict.Count("refused posts whose earlier try was stored", posts.Count(post => post.Refusal is not null && stored[post.Key].Any()));
        verdict.Count("cancels that were taken", cancelled.Count);
        verdict.Count("cancels that were taken and came too late", cancelled.Count(post => byId.GetValueOrDefault(post.Turn!)?.Commit?.Status != TurnStatus.Cancelled));

        void Never(string rule, Func<Post, bool> isBroken) => verdict.Rule(rule, posts.Where(isBroken).Select(post => $"{post}, stored as {string.Join(' ', stored[post.Key])}"));

        Never("a post that was accepted is one turn, which is the one that its client was told", post => post.Turn is not null && !stored[post.Key].SequenceEqual([post.Turn]));
        Never("a post that was refused is no turn, unless an earlier try of it was not answered", post => post.Refusal is not null && stored[post.Key].Count() > (post.Tries > 1 ? 1 : 0));
        Never("every post is answered", post => post.Turn is null == post.Refusal is null);
        verdict.Rule(
            "a session's turns are numbered without a hole, and answered once and in order",
            log.Users.Select(user => user.Session).Distinct().Where(session => !IsChain(log, session)));
        verdict.Rule(
            "a completed turn says what the model said in one request",
            Completed(log, byId).Where(each => !model.To(each.Key).Any(told => told.EndsWell && told.Text == each.Text)).Select(each => $"{each.Key}: {each.Text}"));
    }

    private static IEnumerable<(string Key, string Text)> Completed(StoredLog log, Dictionary<string, StoredTurn> turns)
    {
        foreach (var (_, message) in log.Users)
        {
            if (turns.GetValueOrDefault(message.Turn.ToString()) is { Commit.Status: TurnStatus.Completed, Text: var text })
            {
                yield return (message.Text.Split(' ')[0], text);
            }
        }
    }

    private static bool IsChain(StoredLog log, string session)
    {
        var asked = log.Users.Where(user => user.Session == session).Select(user => (user.Message.Turn, user.Message.N)).ToList();
        var answered = log.Answers.Where(answer => answer.Session == session).Select(answer => (answer.Message.Turn, answer.Message.N));
        return asked.Select(each => each.N).SequenceEqual(Enumerable.Range(1, asked.Count).Select(n => (long)n)) && asked.SequenceEqual(answered);
    }
}
