using System.Text.Json;
using System.Text.Json.Nodes;
using Kgents.Api.Idempotency;
using Kgents.Api.Messages;
using Kgents.Api.Problems;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Agentese;

/// <summary>
/// Paths one after the other, each of which is given what the one before it answers. All of them are looked at before the first is done: what can be refused does nothing.
/// </summary>
internal sealed class Composer(Invoker invoker, ArgumentReader arguments, AgenteseReply reply, IOptions<AgenteseOptions> options)
{
    /// <summary>What they rest on: lists in lists are one list, the identity does nothing, and no path answers a list.</summary>
    private static readonly string[] Laws = ["identity", "associativity", AgenteseReply.MinimalOutput];

    /// <summary>In the place of an input that is not there yet.</summary>
    private static readonly JsonElement Later = JsonElement.Parse("\"later\"");

    /// <summary>Null when all may be invoked. What the first is given stands in its arguments.</summary>
    public ProblemHttpResult? Prepare(HttpContext http, ComposeRequest request, out IReadOnlyList<Invocation> steps)
    {
        var found = new List<Invocation>();
        steps = found;
        var paths = new List<string?>();
        if (request.Paths is not { ValueKind: JsonValueKind.Array } given || !Flatten(given, paths) || paths.Count == 0)
        {
            return Problem.Invalid(422, "paths", "must be a list of paths, or of such lists, with one path at least");
        }

        if (paths.Count > options.Value.MaxPaths)
        {
            return Problem.CompositionInvalid(options.Value.MaxPaths + 1, $"At most {options.Value.MaxPaths} paths compose.");
        }

        foreach (var path in paths)
        {
            var step = found.Count + 1;
            if (invoker.Prepare(http, path, request.Observer?.Archetype, kwargs: null, out var invocation) is { } refused)
            {
                return At(step, refused);
            }

            if (WhyNot(found, invocation, step, request.Input) is { } reason)
            {
                return Problem.CompositionInvalid(step, reason);
            }

            found.Add(invocation);
        }

        return ReadArguments(request, found);
    }

    /// <summary>A step that is refused or fails ends it; what those before it did stays done, and was used. It is a replay when every turn of it is.</summary>
    public async Task<IResult> RunAsync(IReadOnlyList<Invocation> steps, IdempotencyKey? key, CancellationToken cancellationToken)
    {
        var done = new List<StepResponse>();
        InvokeResponse? last = null;
        bool? isReplayed = null;
        foreach (var step in steps)
        {
            var number = done.Count + 1;
            var invocation = step with { Key = key?.Part(number) };
            if (last is not null)
            {
                var input = JsonSerializer.SerializeToElement(last.Result, ApiJson.Default.JsonNode);
                if (arguments.ReadInput(input) is { } tooLong)
                {
                    return At(number, tooLong);
                }

                invocation = invocation with { Arguments = invocation.Arguments.With(Parameter.InputName, input) };
            }

            var answer = await Invoker.InvokeAsync(invocation, cancellationToken);
            var (http, response) = await reply.TellAsync(invocation, answer, cancellationToken);
            if (response is null)
            {
                return At(number, http);
            }

            if (answer is AgenteseAnswer.Asked)
            {
                isReplayed = isReplayed is not false && http is Replayed;
            }

            last = response;
            done.Add(new StepResponse(response.Path, response.TokensUsed, response.SessionId, response.TurnId, response.Model, response.Span));
        }

        var composed = TypedResults.Ok(new ComposeResponse(last!.Archetype, last.Result, done.Sum(step => step.TokensUsed), done, steps.Any(AgenteseReply.HasLawCheck) ? Laws : null));
        return isReplayed is true ? new Replayed(composed) : composed;
    }

    /// <summary>False when there is anything but texts and lists.</summary>
    private static bool Flatten(JsonElement list, List<string?> paths)
    {
        foreach (var each in list.EnumerateArray())
        {
            if (each.ValueKind == JsonValueKind.Array ? !Flatten(each, paths) : each.ValueKind != JsonValueKind.String)
            {
                return false;
            }

            if (each.ValueKind == JsonValueKind.String)
            {
                paths.Add(each.GetString());
            }
        }

        return true;
    }

    private static string? WhyNot(List<Invocation> before, Invocation invocation, int step, JsonElement? input)
    {
        var path = invocation.Path.Bare;
        return invocation.Aspect.IsStream ? $"{path} answers with a stream, which nothing can be given."
            : !invocation.Aspect.TakesInput && (step > 1 || input is { ValueKind: not JsonValueKind.Null }) ? $"{path} takes no input: what comes before it would be lost."
            : path != IdentityNode.Path && before.FindIndex(each => each.Path.Bare == path) is >= 0 and var first ? $"{path} stands at step {first + 1} already: this is a cycle."
            : null;
    }

    /// <summary>Each takes of the values those that are its own; one that none takes is refused.</summary>
    private ProblemHttpResult? ReadArguments(ComposeRequest request, List<Invocation> steps)
    {
        var values = ArgumentReader.Members(request.Kwargs).ToList();
        if (values.Find(value => value.Name == Parameter.InputName || !steps.Exists(step => step.Aspect.Parameters.Any(parameter => parameter.Name == value.Name))) is { Name: { } idle })
        {
            return Problem.Invalid(422, $"kwargs.{(idle.Length > 40 ? idle[..40] : idle)}", idle == Parameter.InputName ? "is what the paths are given: send it as input" : "is taken by none of the paths");
        }

        for (var at = 0; at < steps.Count; at++)
        {
            var own = new JsonObject(values.Where(value => steps[at].Aspect.Parameters.Any(parameter => parameter.Name == value.Name)).Select(value => KeyValuePair.Create(value.Name, JsonNode.Parse(value.Json.GetRawText()))));
            if ((at > 0 ? Later : request.Input) is { ValueKind: not JsonValueKind.Null } input)
            {
                own[Parameter.InputName] = JsonNode.Parse(input.GetRawText());
            }

            if (arguments.Read(steps[at].Aspect, JsonSerializer.SerializeToElement(own, ApiJson.Default.JsonNode), out var read) is { } refused)
            {
                return At(at + 1, refused);
            }

            steps[at] = steps[at] with { Arguments = read };
        }

        return null;
    }

    private static TResult At<TResult>(int step, TResult answer)
        where TResult : IResult
    {
        IResult inner = answer;
        while (inner is Replayed or RetryLater)
        {
            inner = inner is Replayed replayed ? replayed.Answer : ((RetryLater)inner).Problem;
        }

        if (inner is ProblemHttpResult problem)
        {
            problem.ProblemDetails.Extensions["step"] = step;
        }

        return answer;
    }
}
