using Kgents.Contracts;
using Kgents.Flux;
using Microsoft.Extensions.AI;

namespace Kgents.Tests.Flux;

/// <summary>What is dangerous, unsure, unreadable or not judged at all goes to people; only a sure model approves.</summary>
public sealed class GovernanceTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Delete the user")]
    [InlineData("print authtoken")]
    [InlineData("deleteUser(42)")]
    [InlineData("please REMOVE it")]
    [InlineData("drop_table")]
    [InlineData("TRUNCATE orders")]
    [InlineData("rm -rf /tmp/x")]
    [InlineData("run rmdir")]
    [InlineData("del x.txt")]
    [InlineData("deploy to prod")]
    [InlineData("deploy to production-eu")]
    [InlineData("git push --force")]
    [InlineData("git push --force=x")]
    [InlineData("cp -f a b")]
    [InlineData("force it")]
    [InlineData("sudo ls")]
    [InlineData("show the password")]
    [InlineData("read the secrets")]
    [InlineData("rotate a token")]
    [InlineData("use credentials")]
    [InlineData("print API_KEY")]
    [InlineData("print api-key")]
    [InlineData("format the disk")]
    [InlineData("wipe it")]
    [InlineData("purge the queue")]
    [InlineData("erase all")]
    [InlineData("ｄｅｌｅｔｅ it")]
    [InlineData("de\u200Blete it")]
    [InlineData("dе\u0301lete it with a Cyrillic е")]
    [InlineData("d e l e t e")]
    public async Task Dangerous_IsAlwaysEscalated_AndNoModelIsAsked(string action)
    {
        using var model = new SpeakingModel(_ => Lines("approve", "1.0"));

        var result = await JudgeAsync(model, action);

        Assert.Equal(("escalate", 0, false, false), (result.Recommendation, result.Confidence, result.Handled, result.WasDeep));
        Assert.Equal(["SAFETY_OVERRIDE"], result.MatchingPrinciples);
        Assert.Empty(model.Asked);
    }

    [Theory]
    [InlineData("summarise the information for the product team")]
    [InlineData("reinforce the model's delta in the arm")]
    [InlineData("составить отчёт")]
    public async Task Harmless_IsTheModelsToJudge(string action)
    {
        using var model = new SpeakingModel(_ => Lines("approve", "0.9"));

        var result = await JudgeAsync(model, action);

        Assert.Equal(("approve", 0.9, true, true), (result.Recommendation, result.Confidence, result.Handled, result.WasDeep));
        Assert.Equal(["simplicity", "reversibility"], result.MatchingPrinciples);
        var (messages, options) = Assert.Single(model.Asked);
        Assert.Equal((0.2f, 500), (options!.Temperature, options.MaxOutputTokens));
        Assert.Equal([ChatRole.System, ChatRole.User], messages.Select(message => message.Role));
    }

    [Theory]
    [InlineData("approve", "0.69", "escalate")]
    [InlineData("reject", "0.2", "escalate")]
    [InlineData("approve", "0.7", "approve")]
    [InlineData("reject", "85%", "reject")]
    [InlineData("escalate", "1", "escalate")]
    public async Task Unsure_IsEscalated(string recommendation, string confidence, string expected)
    {
        using var model = new SpeakingModel(_ => Lines(recommendation, confidence));

        Assert.Equal(expected, (await JudgeAsync(model, "read a page")).Recommendation);
    }

    [Theory]
    [InlineData("")]
    [InlineData("I would approve of it.")]
    [InlineData("RECOMMENDATION: approve")]
    [InlineData("RECOMMENDATION: approve\nCONFIDENCE: high")]
    [InlineData("RECOMMENDATION: approve\nCONFIDENCE: 7")]
    [InlineData("RECOMMENDATION: approve\nCONFIDENCE: -1")]
    [InlineData("RECOMMENDATION: approve\nCONFIDENCE: NaN")]
    [InlineData("RECOMMENDATION: approve or reject\nCONFIDENCE: 1")]
    [InlineData("RECOMMENDATION: approve\nRECOMMENDATION: reject\nCONFIDENCE: 1")]
    [InlineData("RECOMMENDATION: approve\nCONFIDENCE: 1\nCONFIDENCE: 0.1")]
    public async Task Unreadable_IsEscalated(string answer)
    {
        using var model = new SpeakingModel(_ => answer);

        var result = await JudgeAsync(model, "read a page");

        Assert.Equal(("escalate", 0), (result.Recommendation, result.Confidence));
    }

    [Fact]
    public async Task Ornament_AroundTheLines_IsRead()
    {
        using var model = new SpeakingModel(_ => "Sure!\n\n- **Recommendation:** Approve.\n- **Confidence**: 0.95\n> reasoning = It is only read.");

        var result = await JudgeAsync(model, "read a page");

        Assert.Equal(("approve", 0.95, "It is only read"), (result.Recommendation, result.Confidence, result.Reasoning));
    }

    [Fact]
    public async Task Failure_IsEscalated_AndTellsNothingOfItsText()
    {
        using var model = new SpeakingModel(_ => throw new InvalidDataException("a secret of the provider"));

        var result = await JudgeAsync(model, "read a page");

        Assert.Equal(("escalate", "ERROR_FALLBACK"), (result.Recommendation, Assert.Single(result.MatchingPrinciples)));
        Assert.DoesNotContain("secret", result.ToJson(), StringComparison.Ordinal);
        Assert.IsType<InvalidDataException>(result.Call!.Fault);
    }

    [Fact]
    public async Task Dormant_AsksNoModel_AndApprovesNothing()
    {
        using var model = new SpeakingModel(_ => Lines("approve", "1"));

        Assert.Equal(("escalate", "NO_MODEL"), (await JudgeAsync(model, "read a page", BudgetTiers.Dormant)) is var result ? (result.Recommendation, result.MatchingPrinciples[0]) : default);
        Assert.Empty(model.Asked);
    }

    [Theory]
    [InlineData(BudgetTiers.Whisper, 100)]
    [InlineData(BudgetTiers.Deep, 500)]
    public async Task Model_IsAskedForNoMoreThanTheBudget_NorThanAJudgementTakes(string budget, int most)
    {
        using var model = new SpeakingModel(_ => Lines("approve", "1"));

        await JudgeAsync(model, "read a page", budget);

        Assert.Equal(most, Assert.Single(model.Asked).Options!.MaxOutputTokens);
    }

    private static string Lines(string recommendation, string confidence) => $"RECOMMENDATION: {recommendation}\nCONFIDENCE: {confidence}\nPRINCIPLES: simplicity, reversibility\nREASONING: Because.";

    private static async Task<InterceptResult> JudgeAsync(SpeakingModel model, string action, string budget = BudgetTiers.Dialogue)
    {
        await using var flux = new KgentFlux(new Soul(model, new SoulSeed { Budget = budget }, TimeProvider.System));
        var result = Assert.IsType<InterceptResult>(await flux.InvokeAsync(new InterceptRequest("k1", action) { Timestamp = TimeProvider.System.GetUtcNow() }, Cancelled));
        Assert.Equal(("k1", "k1"), (result.TokenId, result.CorrelationId));
        return result;
    }
}
